"""Each RPC, with an upstream that answers all that it is asked with the same odd document: every call ends typed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import grpc
import grpc.aio
import orjson
import pytest

from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1 import graph_service_pb2 as graphs
from twinfront.v1 import query_service_pb2 as queries
from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront.v1.graph_service_pb2_grpc import GraphServiceStub
from twinfront.v1.query_service_pb2_grpc import QueryServiceStub
from twinfront.v1.relationship_pb2 import Relationship
from twinfront.v1.representation_pb2 import Representation, View
from twinfront_server.app import App
from twinfront_server.settings import Settings

from ..contract_services import METHODS
from .calls import DELETE_TWIN, ETAG, MODEL, PATCH, RPCS, TWIN
from .fault_server import Answer, FaultServer

JSON = Representation.REPRESENTATION_JSON
SECONDS = 0.8
"""The deadline of each call: settling a write goes on for longer where it is not clear what the document means."""

Call = Callable[[grpc.aio.Channel], Awaitable[Any]]


def _unary(stub: type[Any], name: str, request: Any) -> Call:
    return lambda channel: getattr(stub(channel), name)(request, timeout=SECONDS)


def _variants(name: str, stub: type[Any], request: Any) -> dict[str, Call]:
    """The call, and the same with options that have the answer looked at in other ways."""
    options: dict[str, dict[str, Any]] = {
        "": {},
        ", as basic JSON": {"view": View.VIEW_BASIC, "representation": JSON},
        ", under an etag": {"if_match": ETAG, "if_none_match": ""},
        ", dry": {"validate_only": True},
    }
    calls, known = {}, set(request.DESCRIPTOR.fields_by_name)
    for suffix, fields in options.items():
        if set(fields) - {"if_none_match"} <= known:
            varied = type(request)()
            varied.CopyFrom(request)
            for field in set(fields) & known:
                setattr(varied, field, fields[field])
            calls[name + suffix] = _unary(stub, name, varied)
    return calls


def _import(channel: grpc.aio.Channel) -> Awaitable[Any]:
    relationship = Relationship(id="r", source_id="room", target_id="room", name="feeds")
    items = [
        graphs.GraphItem(dtdl_model=orjson.dumps({"@id": MODEL, "@type": "Interface"}).decode()),
        graphs.GraphItem(digital_twin=DigitalTwin(id="room", model_id=MODEL)),
        graphs.GraphItem(relationship=relationship),
    ]
    stream = GraphServiceStub(channel).ImportGraph(iter([graphs.ImportGraphRequest(items=items)]), timeout=SECONDS)
    return _read(stream)


def _export(channel: grpc.aio.Channel) -> Awaitable[Any]:
    return _read(GraphServiceStub(channel).ExportGraph(graphs.ExportGraphRequest(), timeout=SECONDS))


def _stream(channel: grpc.aio.Channel) -> Awaitable[Any]:
    request = queries.StreamQueryTwinsRequest(query="SELECT * FROM digitaltwins")
    return _read(QueryServiceStub(channel).StreamQueryTwins(request, timeout=SECONDS))


async def _read(stream: Any) -> list[Any]:
    return [message async for message in stream]


TWINS = DigitalTwinServiceStub
WRITES = [
    twins.DigitalTwinWrite(digital_twin_id="a", create_or_replace=TWIN),
    twins.DigitalTwinWrite(digital_twin_id="b", patch=twins.DigitalTwinWrite.Patch(operations=PATCH)),
    twins.DigitalTwinWrite(digital_twin_id="c", merge=twins.DigitalTwinWrite.Merge(merge_json=b'{"a":1}')),
    twins.DigitalTwinWrite(
        digital_twin_id="d", delete=twins.DigitalTwinWrite.Delete(relationships=twins.RELATIONSHIPS_DETACH)
    ),
]
CALLS: dict[str, Call] = {
    **{name: call for rpc in RPCS for name, call in _variants(rpc.name, rpc.stub, rpc.request).items()},
    **_variants(
        "MergeDigitalTwin", TWINS, twins.MergeDigitalTwinRequest(digital_twin_id="room", merge_json=b'{"a":1}')
    ),
    **_variants("BatchGetDigitalTwins", TWINS, twins.BatchGetDigitalTwinsRequest(digital_twin_ids=["a", "b"])),
    **_variants("BatchWriteDigitalTwins", TWINS, twins.BatchWriteDigitalTwinsRequest(writes=WRITES)),
    "DeleteDigitalTwin, detaching": DELETE_TWIN.having(relationships=twins.RELATIONSHIPS_DETACH).call,
    "StreamQueryTwins": _stream,
    "ImportGraph": _import,
    "ExportGraph": _export,
}
WRITING = ("Create", "Update", "Delete", "Merge", "Decommission", "Cancel", "BatchWrite", "Import")
SOUND: dict[str, Any] = {
    "$dtId": "room",
    "$etag": ETAG,
    "$metadata": {
        "$model": MODEL,
        "$lastUpdateTime": "2026-01-01T00:00:00Z",
        "a": {"lastUpdateTime": "2026-01-01T00:00:00Z"},
    },
    "a": 1,
    "lamp": {
        "$metadata": {"a": {"lastUpdateTime": "2026-01-01T00:00:00Z", "sourceTime": "2026-01-01T00:00:00Z"}},
        "a": 1,
    },
    "$relationshipId": "r",
    "$sourceId": "room",
    "$targetId": "room",
    "$relationshipName": "feeds",
    "$relationshipLink": "",
    "id": MODEL,
    "model": {"@id": MODEL},
    "displayName": {"en": "Room"},
    "description": {"en": "Room"},
    "decommissioned": False,
    "uploadTime": "2026-01-01T00:00:00Z",
    "endpointName": "e",
    "filter": "true",
    "inputBlobUri": "https://a/b/c",
    "outputBlobUri": "https://a/b/d",
    "status": "running",
    "createdDateTime": "2026-01-01T00:00:00Z",
    "lastActionDateTime": "2026-01-01T00:00:00Z",
    "finishedDateTime": "2026-01-01T00:00:00Z",
    "purgeDateTime": "2026-01-01T00:00:00Z",
    "error": {"code": "x", "message": "y", "details": [], "innererror": {}},
}
"""A document that has the members of all resources."""

VALUES: list[Any] = [None, 3, "x", [], {}, {"a": 3}, [{}]]
DEEP = b"[" * 900 + b"]" * 900
TEXTS = {
    "a number that is none": b'{"$dtId":"room","value":NaN}',
    "the same member twice": b'{"$dtId":"room","$dtId":3,"$metadata":{},"$metadata":[],"value":[],"value":3}',
    "half a surrogate pair": b'{"$dtId":"\\ud800","id":"\\udfff","$metadata":{"$model":"\\ud800"},"value":[]}',
    "text in no encoding": b'{"$dtId":"\xff\xfe","value":[]}',
    "a byte order mark": b'\xef\xbb\xbf{"$dtId":"room","$metadata":{},"value":[]}',
    "UTF-16": '{"$dtId":"room","value":[]}'.encode("utf-16"),
    "a number of 100,000 digits": b'{"$dtId":"room","$metadata":{},"a":%s,"value":[%s]}' % ((b"9" * 100_000,) * 2),
    "a number without bounds": b'{"$dtId":"room","$metadata":{},"a":1e999999,"value":[{"a":-1e999999}]}',
    "lists, 900 deep": b'{"$dtId":"room","$metadata":{},"a":%s,"value":[{"a":%s}]}' % (DEEP, DEEP),
    "lists, 100,000 deep": b"[" * 100_000 + b"]" * 100_000,
    "objects, 100,000 deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
}


def _documents() -> dict[str, bytes]:
    documents: dict[str, Any] = {"a sound resource": SOUND, "a sound page": {"value": [SOUND]}}
    for number, value in enumerate(VALUES):
        documents |= {
            f"{value!r}": value,
            f"a page that is {value!r}": {"value": value},
            f"a row that is {value!r}": {"value": [value]},
            f"a link that is {value!r}": {"value": [], "nextLink": value, "continuationToken": value},
            f"members that are {value!r}": dict.fromkeys(SOUND, value),
            f"rows of members that are {value!r}": {"value": [dict.fromkeys(SOUND, value)]},
        }
        # Of each member some value or other, one member in three at a time.
        odd = SOUND | {name: VALUES[(number + i) % len(VALUES)] for i, name in enumerate(SOUND) if (number + i) % 3}
        documents |= {f"mixed members, {number}": odd, f"rows of mixed members, {number}": {"value": [odd]}}
    return {name: orjson.dumps(document) for name, document in documents.items()} | TEXTS


DOCUMENTS = _documents()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.changed(read_retries=0)


async def _let_all_end(names: Iterable[str], channel: grpc.aio.Channel, server: App) -> None:
    """Makes the calls; what they end in is for the server to count."""
    await asyncio.gather(*(CALLS[name](channel) for name in names), return_exceptions=True)
    await server._chain.in_flight.idle()


def _faults(server: App) -> list[str]:
    """The calls and items of calls that have ended in a fault of the server."""
    collectors = set(server.metrics.registry._collector_to_names)
    by_reason = [each for each in collectors if "reason" in getattr(each, "_labelnames", ())]
    assert by_reason
    samples = (sample for each in by_reason for metric in each.collect() for sample in metric.samples)
    return [str(sample) for sample in samples if sample.labels.get("reason") in {"", "INTERNAL"} and sample.value]


WITHOUT_UPSTREAM = {"CheckPermissions", "Watch", "GetChangeLog"}
"""RPCs that ask the upstream nothing, of a caller who may do everything."""


def test_every_rpc_is_called():
    assert {name.partition(",")[0] for name in CALLS} == {method.name for method in METHODS} - WITHOUT_UPSTREAM


@pytest.mark.parametrize("document", DOCUMENTS)
async def test_no_document_makes_a_fault_of_the_server(
    upstream: FaultServer, server: App, channel: grpc.aio.Channel, document: str
):
    upstream.on("", Answer(200, DOCUMENTS[document]))
    await _let_all_end(CALLS, channel, server)
    assert _faults(server) == []


@pytest.mark.parametrize("document", ["a sound resource", *TEXTS, *map(repr, VALUES)])
@pytest.mark.parametrize("status", [400, 429])
async def test_no_refusal_makes_a_fault_of_the_server(
    upstream: FaultServer, server: App, channel: grpc.aio.Channel, document: str, status: int
):
    upstream.on("", Answer(status, DOCUMENTS[document]))
    await _let_all_end(CALLS, channel, server)
    assert _faults(server) == []


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if "mixed" in name])
@pytest.mark.parametrize(
    "refusal",
    [
        Answer(400, {"error": {"code": "RelationshipsNotDeleted", "message": "No."}}),
        Answer(412, {"error": {"code": "PreconditionFailed", "message": "No."}}),
        Answer(500),
    ],
    ids=lambda refusal: str(refusal.status),
)
async def test_no_document_that_is_read_after_a_write_makes_a_fault_of_the_server(
    upstream: FaultServer, server: App, channel: grpc.aio.Channel, document: str, refusal: Answer
):
    upstream.on("^GET", Answer(200, DOCUMENTS[document], {"ETag": "other"}))
    upstream.on("", refusal)
    await _let_all_end((name for name in CALLS if name.startswith(WRITING)), channel, server)
    assert _faults(server) == []
