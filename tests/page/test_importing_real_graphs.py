"""Real graphs and models, imported in one stream and exported again."""

from collections.abc import AsyncIterator
from pathlib import Path

import grpc.aio
import orjson
import pytest

from twinfront.v1 import graph_service_pb2 as graphs
from twinfront.v1.graph_service_pb2_grpc import GraphServiceStub

GRAPHS = ["national-grid", "building-scenario", "distribution-grid"]
MODELS = ["realestatecore/rec-v2", "realestatecore/rec-v3", "smartcities/smartcities-v2", "willow/willow-v3"]


@pytest.fixture
async def channel(address: str) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(address) as channel:
        yield channel


async def run_import(channel: grpc.aio.Channel, text: bytes) -> graphs.ImportProgress:
    requests = [graphs.ImportGraphRequest(chunk=text[at : at + 100_000]) for at in range(0, len(text), 100_000)]
    progress = graphs.ImportProgress()
    async for message in GraphServiceStub(channel).ImportGraph(iter(requests)):
        assert [result for result in message.results if result.status.code] == []
        progress = message.progress
    return progress


async def run_export(channel: grpc.aio.Channel) -> bytes:
    request = graphs.ExportGraphRequest(format=graphs.EXPORT_FORMAT_NDJSON)
    return b"".join([message.chunk async for message in GraphServiceStub(channel).ExportGraph(request)])


def rows(text: bytes) -> list[bytes]:
    """The rows after the header, for comparison whatever their order."""
    lines = [orjson.loads(line) for line in text.removeprefix(b"\xef\xbb\xbf").splitlines() if line.strip()]
    return sorted(orjson.dumps(row, option=orjson.OPT_SORT_KEYS) for row in lines if "fileVersion" not in row)


@pytest.mark.parametrize("name", GRAPHS)
async def test_a_real_graph_is_exported_as_it_was_imported(channel: grpc.aio.Channel, shared: Path, name: str):
    text = (shared / "data" / "graphs" / f"{name}.ndjson").read_bytes()
    progress = await run_import(channel, text)
    assert progress.acknowledged_count == len(rows(text)) - text.count(b'"Section"')
    assert rows(await run_export(channel)) == rows(text)


@pytest.mark.parametrize("name", MODELS)
async def test_real_models_are_created_in_the_order_of_their_file(channel: grpc.aio.Channel, shared: Path, name: str):
    path = shared / "data" / f"{name}.ndjson"
    text = b'{"Section": "Models"}\n' + path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    for _ in range(2):
        progress = await run_import(channel, text)
        assert (progress.models_imported, progress.failed) == (len(rows(text)) - 1, 0)
