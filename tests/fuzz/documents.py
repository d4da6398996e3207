"""Targets that are pure functions: patches, merges, queries, tokens, models, events and lines of imports."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from google.protobuf.message import DecodeError
from tests.localtwins.adt import MODELS, ROOM_TWIN

from localtwins.dtdl import DtdlError, load, parse
from localtwins.engine.json_patch import apply_at, parse_operations
from localtwins.engine.json_text import parse_json
from localtwins.errors import AdtError, ImportFileError
from localtwins.jobs.import_format import FormatLimits, read_batches
from localtwins.jobs.row_form import check_form
from localtwins.query import Position, compile_query, read_token, write_token
from localtwins.query.compiling import compile_shape
from localtwins.settings import Settings as LocalTwinsSettings
from twinfront.v1.digital_twin_service_pb2 import UpdateDigitalTwinRequest
from twinfront.v1.json_patch_pb2 import JsonPatchOperation
from twinfront.v1.relationship_service_pb2 import ListRelationshipsRequest
from twinfront.v1.value_pb2 import ObjectValue, Value
from twinfront_server.adt.change import Kind
from twinfront_server.adt.cloud_event import Event, change_of
from twinfront_server.adt.json_text import loads
from twinfront_server.errors import TwinfrontError
from twinfront_server.graph.import_format import FormatReader, Row
from twinfront_server.graph.item import row_item
from twinfront_server.wire.change import change_message
from twinfront_server.wire.json_patch import json_patch_body
from twinfront_server.wire.merge import merge_of
from twinfront_server.wire.page_token import PageTokens

from .target import Target

_MOST_VALUES: Final = 10_000
_TOKENS: Final = PageTokens("a key of the fuzz targets")
_LIMITS: Final = FormatLimits.of(LocalTwinsSettings.load({}))


def _request_patch(data: bytes) -> None:
    """A patch in a request becomes JSON that the service can read, or is refused."""
    with contextlib.suppress(DecodeError, TwinfrontError):
        orjson.loads(json_patch_body(UpdateDigitalTwinRequest.FromString(data).patch).content)


def _rest_patch(data: bytes) -> None:
    twin = orjson.loads(orjson.dumps(ROOM_TWIN))
    with contextlib.suppress(AdtError):
        document = parse_json(data, "patch", most_values=_MOST_VALUES)
        if isinstance(document, list) and all(isinstance(operation, dict) for operation in document):
            for operation in parse_operations(document):
                apply_at(twin, operation.tokens, operation)
    orjson.dumps(twin)


def _merge(data: bytes) -> None:
    """A merge is read the same in both forms of a request."""
    with contextlib.suppress(DecodeError, TwinfrontError):
        loads(orjson.dumps(merge_of(ObjectValue.FromString(data), b"", "room").document))
    with contextlib.suppress(TwinfrontError):
        loads(orjson.dumps(merge_of(None, data, "room").document))


def _query(data: bytes) -> None:
    with contextlib.suppress(AdtError, UnicodeDecodeError):
        text = data.decode()
        compile_query.cache_clear()
        compile_shape.cache_clear()
        compile_query(text)


def _page_token(data: bytes) -> None:
    """No token opens but one that was made here, for this request."""
    request, token = ListRelationshipsRequest(), data.decode("utf-8", "surrogateescape")
    with contextlib.suppress(TwinfrontError):
        assert not token or _TOKENS.open(request, token) == b"place"


def _continuation_token(data: bytes) -> None:
    """Only tokens that were given out are read, and they say what they said."""
    with contextlib.suppress(AdtError, UnicodeDecodeError):
        position = read_token(data.decode())
        assert read_token(write_token(position)) == position


def _dtdl(data: bytes) -> None:
    """Loads a document, as has to be possible with all that the parser accepts."""
    with contextlib.suppress(AdtError, DtdlError):
        document = parse_json(data, "model", most_values=_MOST_VALUES)
        documents = document if isinstance(document, list) else [document]
        by_id = {each["@id"]: each for each in documents if isinstance(each, dict) and isinstance(each.get("@id"), str)}
        for interface in parse(documents):
            load(by_id[interface.id], by_id.get)


def _import_lines(data: bytes) -> None:
    """A text says the same however it is cut into chunks."""
    assert _rows([data]) == _rows([data[start : start + 7] for start in range(0, len(data), 7)])


def _rows(chunks: Sequence[bytes]) -> tuple[list[Row], str]:
    reader = FormatReader()
    rows: list[Row] = []
    problem = ""
    try:
        for chunk in chunks:
            rows += reader.read(chunk)
        rows += reader.end()
    except TwinfrontError as error:
        problem = error.message
    for index, row in enumerate(rows):
        row_item(index, row)
    return rows, problem


def _import_job(data: bytes) -> None:
    asyncio.run(_check_job(data))


def _cloud_event(data: bytes) -> None:
    """What is read as a change has to be one that can be told."""
    for properties in ({}, {"cloudEvents:type": data[:60], "cloudEvents:id": "a", "cloudEvents:subject": data[60:90]}):
        event = Event("0", 1, datetime.now(UTC), properties, data, "" if properties else "application/cloudevents+json")
        change = change_of(event)
        if change is not None and change.kind is not Kind.UNREADABLE:
            for as_json in (False, True):
                change_message(change, loads(change.data), as_json=as_json).SerializeToString()


async def _check_job(data: bytes) -> None:
    with contextlib.suppress(ImportFileError):
        async for batch in read_batches(_chunks(data), _LIMITS):
            check_form(batch)


async def _chunks(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 64):
        yield data[start : start + 64]


_PATCHES: Final[list[Any]] = [
    [{"op": "add", "path": "/temperature", "value": 1}, {"op": "remove", "path": "/sensor/reading"}],
    [{"op": "replace", "path": "/$metadata/$model", "value": "dtmi:test:Room;2"}],
    [{"op": "add", "path": "/tags/-", "value": ["a~b"]}, {"op": "add", "path": "/a~1b~0", "value": {"x": None}}],
]
_MERGES: Final[list[Any]] = [
    ROOM_TWIN,
    {"$metadata": {"temperature": {"sourceTime": "2026-01-01T00:00:00Z"}}, "label": None},
    {"$dtId": "room", "sensor": {"$metadata": {"reading": {"sourceTime": None}}, "reading": 1e300}},
]
_QUERIES: Final = [
    "SELECT * FROM DIGITALTWINS T WHERE T.$dtId = 'room-1' AND NOT IS_DEFINED(T.a) OR T.b IN [1, 2.5, true]",
    "SELECT TOP(5) T.x AS y, C FROM DIGITALTWINS T JOIN C RELATED T.feeds R WHERE IS_OF_MODEL(T, 'dtmi:a;1', exact)",
    "SELECT A, B FROM DIGITALTWINS MATCH (A)-[R:feeds|has*1..3]->(B)<-[]-(D) WHERE A.$dtId IN ['a'] AND R.x != null",
    "SELECT COUNT() FROM RELATIONSHIPS WHERE STARTSWITH($sourceId, 'a\\'b') AND [[from]] >= -1e3",
    "SELECT * FROM DIGITALTWINS WHERE IS_NULL(a.b.c) AND CONTAINS(tags, 'x') AND ENDSWITH(a, '\\\\')",
]
_EVENTS: Final[list[Any]] = [
    {
        "specversion": "1.0",
        "id": "a",
        "type": f"Microsoft.DigitalTwins.{kind}",
        "source": "host",
        "subject": subject,
        "time": "2026-06-01T07:30:12.4071355Z",
        "data": data,
    }
    for kind, subject, data in (
        ("Twin.Create", "room", {"$dtId": "room", "$etag": "a", **ROOM_TWIN}),
        ("Twin.Update", "room", {"modelId": "dtmi:a;1", "patch": _PATCHES[1]}),
        ("Relationship.Update", "room/relationships/r", {"modelId": "dtmi:a;1", "patch": _PATCHES[0]}),
        (
            "Relationship.Delete",
            "room/relationships/r",
            {"$sourceId": "room", "$relationshipId": "r", "$targetId": "hall", "$relationshipName": "feeds"},
        ),
    )
]
_IMPORT: Final = b"\n".join(
    orjson.dumps(line)
    for line in (
        {"Section": "Header"},
        {"fileVersion": "1.0.0", "author": "a", "organization": "o"},
        {"Section": "Models"},
        MODELS[0],
        {"Section": "Twins"},
        {"$dtId": "room", **ROOM_TWIN},
        {"Section": "Relationships"},
        {"$dtId": "room", "$relationshipId": "r", "$targetId": "hall", "$relationshipName": "feeds", "x": 1},
    )
)
_OPERATIONS: Final = [
    JsonPatchOperation(op=JsonPatchOperation.OP_ADD, path="/temperature", value=Value(double_value=1)),
    JsonPatchOperation(op=JsonPatchOperation.OP_REPLACE, path="/a~1b", value_json=b'{"a": [1, 2]}'),
    JsonPatchOperation(op=JsonPatchOperation.OP_REMOVE, path="/sensor/reading"),
]

TARGETS: Final = [
    Target("request-patch", _request_patch, [UpdateDigitalTwinRequest(patch=_OPERATIONS).SerializeToString()]),
    Target("rest-patch", _rest_patch, [orjson.dumps(patch) for patch in _PATCHES]),
    Target("merge", _merge, [orjson.dumps(merge) for merge in _MERGES]),
    Target("query", _query, [query.encode() for query in _QUERIES]),
    Target("page-token", _page_token, [_TOKENS.seal(ListRelationshipsRequest(), b"place").encode()]),
    Target("continuation-token", _continuation_token, [write_token(Position("SELECT", ("a", 1), 2)).encode()]),
    Target("dtdl", _dtdl, [orjson.dumps(MODELS), *(orjson.dumps(model) for model in MODELS)]),
    Target("import-lines", _import_lines, [_IMPORT]),
    Target("import-job", _import_job, [_IMPORT]),
    Target("cloud-event", _cloud_event, [orjson.dumps(event) for event in _EVENTS]),
]
