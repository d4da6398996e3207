"""A server with an empty instance for each test, a client, and the files of the documentation's samples."""

import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from twinfront import AsyncTwinfrontClient
from twinfront_server.app import App
from twinfront_server.settings import Settings

Sample = Callable[[str], Any]


@pytest.fixture
async def address() -> AsyncIterator[str]:
    async with App(Settings(listen="127.0.0.1:0", metrics_listen="none", data_dir=":memory:")) as app:
        yield str(app.address)


@pytest.fixture
async def client(address: str) -> AsyncIterator[AsyncTwinfrontClient]:
    async with AsyncTwinfrontClient(address) as client:
        yield client


@pytest.fixture
def samples(shared: Path) -> Path:
    """The models and patch files that the page names."""
    return shared / "data" / "samples" / "docs-code"


@pytest.fixture
def sample(samples: Path) -> Sample:
    """Reads one of those files."""
    return lambda name: json.loads((samples / name).read_text())
