"""What reaches the upstream: ids, conditions, bodies and headers as they were meant."""

from urllib.parse import unquote, urlsplit

import grpc.aio
import orjson
import pytest

from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1 import model_service_pb2 as models
from twinfront.v1 import relationship_service_pb2 as relationships
from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront.v1.model_service_pb2_grpc import ModelServiceStub
from twinfront.v1.relationship_service_pb2_grpc import RelationshipServiceStub

from .calls import CREATE_TWIN, DELETE_TWIN, RPCS, UPDATE_TWIN, UPDATE_TWIN_IF_MATCH, Rpc, refused
from .fault_server import Answer, FaultServer

GOOD = Answer(
    200, {"$dtId": "room", "$relationshipId": "r", "id": "dtmi:example:Room;1", "value": []}, {"ETag": 'W/"2"'}
)
IDS = [
    "room",
    "room 1",
    "a/b",
    "a//b",
    "/a",
    "a/../b",
    "a/./b",
    "...",
    "a%2Fb",
    "%2e%2e",
    "a?b=c",
    "a#b",
    "a&b",
    "a+b",
    "a:b;c",
    "a\\b",
    "{a}",
    "raum-ä",
    "\u90e8\u5c4b",
    "\U0001f3e2",
    "a\u00a0b",
    "~a",
    "x" * 128,
]


@pytest.mark.parametrize("identifier", IDS)
async def test_an_id_reaches_the_upstream_as_one_segment(
    upstream: FaultServer, channel: grpc.aio.Channel, identifier: str
):
    upstream.on("GET", GOOD)
    request = relationships.GetRelationshipRequest(digital_twin_id=identifier, relationship_id=identifier)
    await RelationshipServiceStub(channel).GetRelationship(request)
    (received,) = upstream.requests
    segments = [unquote(segment) for segment in urlsplit(received.target).path.split("/")]
    assert segments == ["", "digitaltwins", identifier, "relationships", identifier]


@pytest.mark.parametrize("identifier", IDS)
async def test_the_pages_of_a_twin_with_any_id_are_followed(
    upstream: FaultServer, channel: grpc.aio.Channel, identifier: str
):
    stub = RelationshipServiceStub(channel)
    request = relationships.ListRelationshipsRequest(digital_twin_id=identifier, page_size=1)
    item = {"$relationshipId": "r", "$sourceId": identifier, "$targetId": "t", "$relationshipName": "n"}
    upstream.on("continuationToken=a%2Bb%3D", Answer(200, {"value": [item], "nextLink": None}))
    upstream.on("GET", Answer(200, {"value": [item]}))
    await stub.ListRelationships(request)
    path = urlsplit(upstream.requests[0].target).path
    link = f"{upstream.url}{path}?continuationToken=a%2Bb%3D&api-version=2023-10-31"
    upstream._script.clear()
    upstream.on("continuationToken=a%2Bb%3D", Answer(200, {"value": [item], "nextLink": None}))
    upstream.on("GET", Answer(200, {"value": [item], "nextLink": link}))
    first = await stub.ListRelationships(request)
    request.page_token = first.next_page_token
    second = await stub.ListRelationships(request)
    assert (len(first.relationships), len(second.relationships), second.next_page_token) == (1, 1, "")
    assert urlsplit(upstream.requests[-1].target).path == path


@pytest.mark.parametrize("rpc", RPCS, ids=str)
async def test_each_rpc_is_one_request_of_its_method_and_path(
    upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc
):
    upstream.on(rpc.path, rpc.succeeds(ETag='W/"2"'))
    response = await rpc.call(channel)
    (received,) = upstream.requests
    assert (received.method, urlsplit(received.target).path) == (rpc.method, rpc.path)
    assert received.headers["User-Agent"].startswith("twinfront/")
    assert "Authorization" not in received.headers
    if "etag" in response.DESCRIPTOR.fields_by_name:
        assert response.etag == 'W/"2"'


async def test_without_a_condition_none_is_sent(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("", Answer(204))
    await UPDATE_TWIN.call(channel)
    await DELETE_TWIN.call(channel)
    assert all({"If-Match", "If-None-Match"}.isdisjoint(request.headers) for request in upstream.requests)


async def test_if_match_and_if_none_match_are_sent(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("PATCH", Answer(204))
    upstream.on("PUT", GOOD)
    await UPDATE_TWIN_IF_MATCH.call(channel)
    await CREATE_TWIN.call(channel)
    update, create = upstream.requests
    assert (update.headers["If-Match"], create.headers["If-None-Match"]) == ('W/"1"', "*")


async def test_if_match_star_is_sent_as_it_is(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("", Answer(204))
    await UPDATE_TWIN.having(if_match="*").call(channel)
    assert upstream.requests[0].headers["If-Match"] == "*"


async def test_an_etag_cannot_smuggle_a_header(upstream: FaultServer, channel: grpc.aio.Channel):
    error = await refused(UPDATE_TWIN.having(if_match='"a"\r\nX-Smuggled: 1').call(channel))
    assert error.reason == "INVALID_ARGUMENT"
    assert upstream.requests == []


async def test_json_is_sent_byte_for_byte(upstream: FaultServer, channel: grpc.aio.Channel):
    text = '{ "$metadata" : {"$model":"dtmi:a:A;1"},\n "a": 1.0, "a": 9223372036854775807, "ä": "\\u00e4" }'.encode()
    upstream.on("PUT", GOOD)
    request = twins.CreateOrReplaceDigitalTwinRequest(digital_twin_id="room", digital_twin=DigitalTwin(json=text))
    await DigitalTwinServiceStub(channel).CreateOrReplaceDigitalTwin(request)
    (received,) = upstream.requests
    assert received.body == text
    assert received.headers["Content-Type"] == "application/json"
    assert received.headers["Content-Length"] == str(len(text))
    assert "Transfer-Encoding" not in received.headers


@pytest.mark.parametrize("size", [1 << 20, (1 << 20) + 1, 3_000_000])
async def test_large_bodies_are_sent_whole_with_their_length(
    upstream: FaultServer, channel: grpc.aio.Channel, size: int
):
    text = b'"%b"' % (b"x" * (size - 2))
    upstream.on("PUT", GOOD)
    document = b'{"$dtId":"room","note":%b}' % text
    request = twins.CreateOrReplaceDigitalTwinRequest(digital_twin_id="room", digital_twin=DigitalTwin(json=document))
    await DigitalTwinServiceStub(channel).CreateOrReplaceDigitalTwin(request)
    (received,) = upstream.requests
    assert received.body == document
    assert received.headers["Content-Length"] == str(len(document))
    assert "Transfer-Encoding" not in received.headers


async def test_a_patch_is_sent_with_its_media_type_and_length(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("PATCH", Answer(204))
    await UPDATE_TWIN.call(channel)
    (received,) = upstream.requests
    assert orjson.loads(received.body) == [{"op": "replace", "path": "/temperature", "value": 1}]
    assert received.headers["Content-Type"] == "application/json-patch+json"
    assert received.headers["Content-Length"] == str(len(received.body))


async def test_the_models_asked_for_are_each_a_parameter(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("GET", GOOD)
    request = models.ListModelsRequest(dependencies_for=["dtmi:a:A;1", "dtmi:a:B;1"], include_model_definition=True)
    await ModelServiceStub(channel).ListModels(request)
    query = unquote(urlsplit(upstream.requests[0].target).query)
    assert query.count("dependenciesFor=") == 2
    assert "dependenciesFor=dtmi:a:B;1" in query
    assert "includeModelDefinition=true" in query.replace("True", "true")
