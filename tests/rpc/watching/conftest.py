"""The same tests over all sources of changes."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import grpc.aio
import pytest
from tests.changes.conftest import broker  # noqa: F401  (a fixture)

from twinfront_server.app import App
from twinfront_server.settings import Settings

from . import source as sources
from .settling import SettledLog, SettledWatches
from .source import Source
from .writer import Writer


@pytest.fixture
def blobs(tmp_path: Path) -> Path:
    """The folder in which jobs find `file:` blobs."""
    folder = tmp_path / "blobs"
    folder.mkdir()
    return folder


@pytest.fixture
def data_dir() -> str:
    """Where the upstream has its twins: one that is empty and keeps nothing, unless a module has another."""
    return ":memory:"


@pytest.fixture(params=["embedded", "elsewhere", "kafka", "event hub"])
async def source(
    request: pytest.FixtureRequest, blobs: Path, data_dir: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Source]:
    serving = {"listen": "127.0.0.1:0", "metrics_listen": "none", "health_interval": 3600.0}
    monkeypatch.setenv("LOCALTWINS_JOBS_DIR", str(blobs))
    targets = {"events": f"file:{blobs / 'events.ndjson'}"}
    async with AsyncExitStack() as stack:
        match request.param:
            case "embedded":
                made = Source(Settings.of(serving | {"data_dir": data_dir}))
            case "elsewhere":
                url = await stack.enter_async_context(sources.elsewhere(data_dir, targets))
                made = Source(
                    Settings.of(serving | {"upstream": url, "upstream_credential": "none"}), outlives_server=True
                )
            case "kafka":
                topic = await sources.topic(request)
                targets["source"] = topic
                made = sources.fed(Settings.of(serving | {"data_dir": data_dir, "changes": topic}))
            case _:
                targets["source"] = await stack.enter_async_context(sources.hub(monkeypatch))
                made = sources.fed(Settings.of(serving | {"data_dir": data_dir, "changes": sources.HUB}))
        monkeypatch.setenv("LOCALTWINS_ENDPOINT", json.dumps(targets))
        yield made


@pytest.fixture
def settings(source: Source) -> Settings:
    return source.settings


@pytest.fixture
async def channel(server: App, source: Source) -> AsyncIterator[grpc.aio.Channel]:
    """A channel over which a watch begins when its source has all that was written before."""
    interceptors = [SettledWatches(server), SettledLog(server)] if source.is_fed else []
    async with grpc.aio.insecure_channel(str(server.address), interceptors=interceptors) as channel:
        yield channel


@pytest.fixture
async def write(channel: grpc.aio.Channel, source: Source) -> Writer:
    if source.is_fed:
        await sources.feed(channel)
    return await Writer.open(channel)
