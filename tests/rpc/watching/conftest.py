"""The same tests over all sources of changes."""

import json
from pathlib import Path

import grpc.aio
import pytest

from twinfront_server.settings import Settings

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


@pytest.fixture(params=["embedded"])
async def source(request: pytest.FixtureRequest, blobs: Path, data_dir: str, monkeypatch: pytest.MonkeyPatch) -> Source:
    serving = {"listen": "127.0.0.1:0", "metrics_listen": "none", "health_interval": 3600.0}
    monkeypatch.setenv("LOCALTWINS_JOBS_DIR", str(blobs))
    monkeypatch.setenv("LOCALTWINS_ENDPOINT", json.dumps({"events": f"file:{blobs / 'events.ndjson'}"}))
    assert request.param == "embedded"
    return Source(Settings.of(serving | {"data_dir": data_dir}))


@pytest.fixture
def settings(source: Source) -> Settings:
    return source.settings


@pytest.fixture
async def write(channel: grpc.aio.Channel) -> Writer:
    return await Writer.open(channel)
