"""The disk of the upstream is full: writes are refused at once, nothing of them is stored, and health says so.

A small file system stands for the disk where this user may mount one, and everywhere a limit on the database's size.
"""

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from localtwins.http_server import HttpServer
from localtwins.message import REFUSES_WRITES, UNCHANGED
from localtwins.service import LocalTwins
from localtwins.settings import Settings as LocalSettings
from twinfront import AsyncTwinfrontClient, UnavailableError
from twinfront_server.app import App
from twinfront_server.settings import Settings
from twinfront_server.upstream.refusals.refusal import UNCHANGED_HEADER
from twinfront_server.upstream.sdk.refused_writes import REFUSES_WRITES_HEADER

from .house import House
from .test_injected_faults import LOBBY, furnish

SOON = 2.0
"""Seconds; settling a write that is lost takes longer than that to give up."""

SETTINGS = Settings(listen="127.0.0.1:0", metrics_listen="none", health_interval=0.1)
LOCAL = LocalSettings(listen="127.0.0.1:0", shutdown_seconds=0)


def test_both_sides_mean_the_same_headers():
    assert (UNCHANGED_HEADER, REFUSES_WRITES_HEADER) == (UNCHANGED, REFUSES_WRITES)


@asynccontextmanager
async def in_process(data_dir: Path) -> AsyncIterator[tuple[House, LocalTwins]]:
    settings = SETTINGS.changed(data_dir=str(data_dir))
    async with App(settings) as app, AsyncTwinfrontClient(str(app.address), retry=False) as client:
        close: Any = app.upstream._on_close
        yield House(client, app), close.__self__


@asynccontextmanager
async def over_http(data_dir: Path) -> AsyncIterator[tuple[House, LocalTwins]]:
    service = await LocalTwins.open(data_dir, LOCAL)
    server = HttpServer(service, LOCAL)
    await server.start()
    settings = SETTINGS.changed(upstream=server.url, upstream_credential="none")
    async with App(settings) as app, AsyncTwinfrontClient(str(app.address), retry=False) as client:
        yield House(client, app), service
    await server.stop()
    await service.close()


UPSTREAMS = [in_process, over_http]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this user cannot mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def limit(service: LocalTwins, further_pages: int) -> None:
    """Lets the database grow by so many pages and no more."""
    connection = service._database._writer._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + further_pages}")


async def create(client: AsyncTwinfrontClient, number: int) -> None:
    await client.create_or_replace_digital_twin(f"room-{number}", LOBBY, if_none_match=True)


async def fill_with_twins(client: AsyncTwinfrontClient) -> int:
    """Creates twins until one is refused, at once, and gives the number of that."""
    for number in range(20_000):
        begin = time.monotonic()
        error = await _refusal(create(client, number))
        if error is not None:
            assert error.reason == "UPSTREAM_UNAVAILABLE"
            assert "changed nothing" in error.message
            assert time.monotonic() - begin < SOON
            return number
    pytest.fail("there was space without end")


async def _refusal(call: Awaitable[object]) -> UnavailableError | None:
    try:
        await call
    except UnavailableError as error:
        return error
    return None


async def turns_to(house: House, status: int) -> None:
    async with asyncio.timeout(20):
        while await _status(house) != status:
            await asyncio.sleep(0.02)


async def _status(house: House) -> int:
    answer = await HealthStub(house.client._channel).Check(HealthCheckRequest())
    return int(answer.status)


@pytest.mark.parametrize("upstream", UPSTREAMS, ids=lambda upstream: upstream.__name__)
async def test_a_full_disk_is_told_at_once_and_when_it_is_over(upstream: Callable[..., Any], tmp_path: Path):
    async with upstream(tmp_path / "data") as (house, service):
        await furnish(house.client)
        await turns_to(house, HealthCheckResponse.SERVING)
        limit(service, further_pages=5)
        refused = await fill_with_twins(house.client)
        await turns_to(house, HealthCheckResponse.NOT_SERVING)
        assert (await house.client.get_digital_twin("lobby"))["temperature"] == 20.5
        assert not house.counted("twinfront_settled_writes_total")
        limit(service, further_pages=10_000)
        await turns_to(house, HealthCheckResponse.SERVING)
        await create(house.client, refused)


@pytest.mark.parametrize("upstream", UPSTREAMS, ids=lambda upstream: upstream.__name__)
async def test_a_small_file_system_fills_up_and_is_made_room_on(upstream: Callable[..., Any], small_disk: Path):
    ballast = small_disk / "ballast"
    async with upstream(small_disk / "data") as (house, _):
        await furnish(house.client)
        ballast.write_bytes(bytes(1 << 20))
        refused = await fill_with_twins(house.client)
        assert await _refusal(create(house.client, refused)) is not None
        await turns_to(house, HealthCheckResponse.NOT_SERVING)
        for number in range(0, refused, 50):
            assert (await house.client.get_digital_twin(f"room-{number}"))["temperature"] == 20.5
        assert not house.counted("twinfront_settled_writes_total")
        ballast.unlink()
        await turns_to(house, HealthCheckResponse.SERVING)
        await create(house.client, refused)
