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


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "source_that(trait=value): for those sources of changes alone")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs a test over all sources that it is for."""
    if "source" in metafunc.fixturenames:
        wanted = [trait for mark in metafunc.definition.iter_markers("source_that") for trait in mark.kwargs.items()]
        fitting = [each for each in sources.SOURCES if all(getattr(each, name) == value for name, value in wanted)]
        metafunc.parametrize("source", fitting, ids=[each.name for each in fitting])


@pytest.fixture
def blobs(tmp_path: Path) -> Path:
    """The folder in which jobs find `file:` blobs."""
    folder = tmp_path / "blobs"
    folder.mkdir()
    return folder


@pytest.fixture
async def settings(
    source: Source, request: pytest.FixtureRequest, blobs: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Settings]:
    """Of a server whose changes come from the source, which is there inside the test."""
    kept = Settings(listen="127.0.0.1:0", metrics_listen="none", health_interval=3600.0, data_dir=":memory:")
    monkeypatch.setenv("LOCALTWINS_JOBS_DIR", str(blobs))
    targets = {"events": f"file:{blobs / 'events.ndjson'}"}
    async with AsyncExitStack() as stack:
        match source.name:
            case "elsewhere":
                url = await stack.enter_async_context(sources.elsewhere(targets))
                kept = kept.changed(upstream=url, upstream_credential="none")
            case "kafka":
                targets["source"] = await sources.topic(request)
                kept = kept.changed(changes=targets["source"])
            case "event hub":
                targets["source"] = await stack.enter_async_context(sources.fed_hub(monkeypatch))
                kept = kept.changed(changes=sources.HUB)
        monkeypatch.setenv("LOCALTWINS_ENDPOINT", json.dumps(targets))
        yield kept


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
