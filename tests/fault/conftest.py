"""A server whose upstream does what a test tells it to."""

from collections.abc import AsyncIterator

import grpc.aio
import pytest

from twinfront_server.app import App
from twinfront_server.settings import Settings

from .fault_server import FaultServer, fault_server


@pytest.fixture
async def upstream() -> AsyncIterator[FaultServer]:
    async with fault_server() as server:
        yield server


@pytest.fixture
def settings(upstream: FaultServer) -> Settings:
    return Settings(
        listen="127.0.0.1:0",
        metrics_listen="none",
        upstream=upstream.url,
        upstream_credential="none",
        health_interval=3600.0,
        upstream_failures=0,
    )


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[App]:
    async with App(settings) as app:
        yield app


@pytest.fixture
async def channel(server: App) -> AsyncIterator[grpc.aio.Channel]:
    """A channel of a plain stub: without the service config."""
    async with grpc.aio.insecure_channel(str(server.address)) as channel:
        yield channel
