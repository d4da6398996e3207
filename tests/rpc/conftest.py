"""Servers to call: one in process on the embedded service, and `twinfront serve` and Redis as processes."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import grpc.aio
import pytest

from twinfront_server.app import App
from twinfront_server.settings import Settings

from .serving import process, redis_process
from .serving.redis_process import RedisProcess


@pytest.fixture
def settings() -> Settings:
    """Free ports, and an embedded service that keeps nothing."""
    return Settings(listen="127.0.0.1:0", metrics_listen="127.0.0.1:0", data_dir=":memory:")


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[App]:
    async with App(settings) as app:
        yield app


@pytest.fixture
async def channel(server: App) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(str(server.address)) as channel:
        yield channel


@pytest.fixture
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., process.ServedProcess]]:
    """Starts `twinfront serve` with the given words and variables; ended when the test ends."""
    started: list[process.ServedProcess] = []

    def start(*words: str | Path, **variables: str) -> process.ServedProcess:
        served = process.start(tmp_path_factory.mktemp("served"), [str(word) for word in words], variables)
        started.append(served)
        return served

    yield start
    for each in started:
        each.end()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisProcess]:
    """Starts one that keeps nothing; ended when the test ends."""
    process = redis_process.start(tmp_path)
    yield process
    process.end()
