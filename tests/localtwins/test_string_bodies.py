"""Bodies that are a JSON string with JSON in it, as clients send that make JSON of text that is JSON already."""

import json

import pytest

from .adt import MODELS, ROOM_TWIN, Adt, add

JSON_AGAIN = "Payload is invalid. It is a JSON string, and has to be the object or array itself"

OPERATIONS = [
    ("PUT", "/digitaltwins/room", ROOM_TWIN),
    ("PATCH", "/digitaltwins/room", [add("/seats", 4)]),
    ("PATCH", "/digitaltwins/room/components/sensor", [add("/reading", 4)]),
    ("PUT", "/digitaltwins/room/relationships/r", {"$relationshipName": "servedBy", "$targetId": "machine"}),
    ("PATCH", "/digitaltwins/room/relationships/r", [add("/x", 4)]),
    ("POST", "/models", MODELS),
    ("PATCH", "/models/dtmi%3Atest%3ARoom%3B1", [add("/decommissioned", True)]),
    ("POST", "/query", {"query": "SELECT * FROM digitaltwins"}),
    ("PUT", "/eventroutes/r", {"endpointName": "e", "filter": "true"}),
    ("PUT", "/jobs/imports/j", {"inputBlobUri": "file:a", "outputBlobUri": "file:b"}),
]


@pytest.mark.parametrize(("method", "path", "document"), OPERATIONS)
async def test_a_string_where_an_object_or_array_has_to_be_is_told_as_one(
    graph: Adt, method: str, path: str, document: object
):
    answer = await graph.send(method, path, json.dumps(document))
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert answer.message.startswith(JSON_AGAIN)


async def test_telemetry_may_be_a_string(graph: Adt):
    assert (await graph.post("/digitaltwins/room/telemetry", "loud", message_id="m")).status == 204
