"""The memory of a server that imports and exports a large graph."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import orjson
import pytest

from twinfront.v1 import graph_service_pb2 as graphs
from twinfront.v1.graph_service_pb2_grpc import GraphServiceStub

from .process import ServedProcess

COUNT = int(os.environ.get("TWINFRONT_IMPORT_ITEMS", "15000"))
LIMIT_MB = 200
MODEL = {
    "@id": "dtmi:example:Node;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [
        {"@type": "Property", "name": "note", "schema": "string"},
        {"@type": "Relationship", "name": "next"},
    ],
}
NOTE = "x" * 500


def rows() -> Iterator[object]:
    yield from ({"Section": "Header"}, {"fileVersion": "1.0.0"}, {"Section": "Models"}, MODEL, {"Section": "Twins"})
    for number in range(COUNT // 2):
        yield {"$dtId": f"node-{number}", "$metadata": {"$model": MODEL["@id"]}, "note": NOTE}
    yield {"Section": "Relationships"}
    for number in range(COUNT // 2):
        target = f"node-{(number + 1) % (COUNT // 2)}"
        ids = {"$dtId": f"node-{number}", "$relationshipId": "next", "$targetId": target}
        yield {**ids, "$relationshipName": "next"}


def chunks() -> Iterator[graphs.ImportGraphRequest]:
    """The whole text as fast as the server takes it."""
    chunk = bytearray()
    for row in rows():
        chunk += orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
        if len(chunk) > 1 << 20:
            yield graphs.ImportGraphRequest(chunk=bytes(chunk))
            chunk.clear()
    yield graphs.ImportGraphRequest(chunk=bytes(chunk))


def peak_mb(served: ServedProcess) -> int:
    status = Path(f"/proc/{served.process.pid}/status")
    if not status.is_file():
        pytest.skip("this system does not tell the peak memory of a process in /proc")
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


@pytest.mark.timeout(600)
def test_a_large_import_and_its_export_take_little_memory(serve: Callable[..., ServedProcess], tmp_path: Path) -> None:
    served = serve("--data-dir", tmp_path / "data")
    with grpc.insecure_channel(served.address) as channel:
        stub = GraphServiceStub(channel)
        results = 0
        for message in stub.ImportGraph(chunks()):
            results += len(message.results)
            progress = message.progress
        assert (results, progress.failed, progress.acknowledged_count) == (COUNT + 1, 0, COUNT + 1)
        assert peak_mb(served) < LIMIT_MB
        exported = 0
        for response in stub.ExportGraph(graphs.ExportGraphRequest(format=graphs.EXPORT_FORMAT_NDJSON)):
            exported += response.chunk.count(b"\n")
        assert exported == COUNT + 1 + 5
        assert peak_mb(served) < LIMIT_MB
