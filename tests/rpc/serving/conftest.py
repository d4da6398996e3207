"""The chain behind a service of all four cardinalities, and an upstream that is a process of its own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from twinfront_server.settings import Settings

from . import upstream as localtwins
from .echo import EchoServer


@pytest.fixture
async def echo(settings: Settings) -> AsyncIterator[EchoServer]:
    async with EchoServer(settings) as echo:
        yield echo


@pytest.fixture
def upstream_over_tls(tmp_path: Path) -> Iterator[localtwins.UpstreamProcess]:
    process = localtwins.start(tmp_path, tls=True)
    yield process
    process.end()


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[localtwins.UpstreamProcess]:
    process = localtwins.start(tmp_path)
    yield process
    process.end()
