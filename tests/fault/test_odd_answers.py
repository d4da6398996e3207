"""Answers of the right kind whose members are not what they should be, and headers that say nothing."""

import grpc
import grpc.aio
import pytest

from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1 import relationship_service_pb2 as relationships
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront.v1.graph_service_pb2 import ExportGraphRequest
from twinfront.v1.graph_service_pb2_grpc import GraphServiceStub
from twinfront.v1.query_service_pb2 import StreamQueryTwinsRequest
from twinfront.v1.query_service_pb2_grpc import QueryServiceStub
from twinfront.v1.relationship_service_pb2_grpc import RelationshipServiceStub
from twinfront_server.app import App

from .calls import LIST_RELATIONSHIPS, QUERY, READS, RPCS, Rpc, refused
from .fault_server import Answer, FaultServer

Code = grpc.StatusCode
UNEXPECTED = (Code.INTERNAL, "UPSTREAM_ANSWER_UNEXPECTED")
LISTS = [rpc for rpc in READS if rpc.name.startswith("List")] + [QUERY]
ODD = {
    "$dtId": 5,
    "$relationshipId": [],
    "$sourceId": {},
    "$metadata": 7,
    "id": 7,
    "displayName": 7,
    "endpointName": [],
    "inputBlobUri": 5,
}


@pytest.mark.parametrize("rpc", [rpc for rpc in READS if rpc.name.startswith("Get")], ids=str)
async def test_a_resource_with_members_of_other_types_is_unexpected(
    upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc
):
    upstream.on(rpc.path, Answer(200, ODD))
    error = await refused(rpc.call(channel))
    assert (error.code, error.reason) == UNEXPECTED


@pytest.mark.parametrize("rpc", LISTS, ids=str)
@pytest.mark.parametrize("item", [1, None, "x", [1]], ids=repr)
async def test_a_list_of_what_are_no_objects_is_unexpected(
    upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc, item: object
):
    upstream.on(rpc.path, Answer(200, {"value": [item]}))
    error = await refused(rpc.call(channel))
    assert (error.code, error.reason) == UNEXPECTED


@pytest.mark.parametrize("rpc", [rpc for rpc in LISTS if rpc is not QUERY], ids=str)
async def test_a_list_of_odd_objects_is_unexpected(upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc):
    upstream.on(rpc.path, Answer(200, {"value": [ODD]}))
    error = await refused(rpc.call(channel))
    assert (error.code, error.reason) == UNEXPECTED


@pytest.mark.parametrize("rpc", LISTS, ids=str)
@pytest.mark.parametrize("link", [5, {"a": 1}, [], True], ids=repr)
async def test_a_link_that_is_no_text_is_unexpected(
    upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc, link: object
):
    upstream.on(rpc.path, Answer(200, {"value": [], "nextLink": link, "continuationToken": link}))
    error = await refused(rpc.call(channel))
    assert (error.code, error.reason) == UNEXPECTED


@pytest.mark.parametrize("row", [{}, {"$dtId": 5, "$metadata": []}, {"$dtId": "a", "$metadata": 5}], ids=repr)
async def test_an_export_of_what_are_no_twins_is_unexpected(
    upstream: FaultServer, channel: grpc.aio.Channel, row: dict[str, object]
):
    upstream.on("POST /query", Answer(200, {"value": [row]}))
    call = GraphServiceStub(channel).ExportGraph(ExportGraphRequest(exclude_models=True))
    error = await refused(call.read())
    assert (error.code, error.reason) == UNEXPECTED


async def test_an_export_of_models_without_definitions_is_unexpected(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("GET /models", Answer(200, {"value": [{"id": "dtmi:example:Room;1"}]}))
    error = await refused(GraphServiceStub(channel).ExportGraph(ExportGraphRequest()).read())
    assert (error.code, error.reason) == UNEXPECTED


@pytest.mark.parametrize("rpc", RPCS, ids=str)
async def test_an_etag_in_no_encoding_is_none(upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc):
    upstream.on("^GET /models/", Answer(200, {"id": "dtmi:example:Room;1"}))
    upstream.on(rpc.path, rpc.succeeds(ETag="\udcff\udcfe", Date="\udcff"))
    response = await rpc.call(channel)
    assert getattr(response, "etag", "") == ""


@pytest.mark.parametrize("charge", ["nan", "-5", "1e400", "-inf"])
async def test_a_charge_that_is_none_is_not_counted(
    upstream: FaultServer, server: App, channel: grpc.aio.Channel, charge: str
):
    upstream.on("POST /query", Answer(200, {"value": [{"a": 1}]}, {"query-charge": charge}))
    assert (await QUERY.call(channel)).query_charge == 0.0
    call = QueryServiceStub(channel).StreamQueryTwins(StreamQueryTwinsRequest(query="SELECT * FROM digitaltwins"))
    assert [message.query_charge async for message in call] == [0.0]
    assert server.metrics.registry.get_sample_value("twinfront_query_charge_total") == 0.0


async def test_a_charge_that_is_no_number_makes_an_answer_that_cannot_be_read(
    upstream: FaultServer, channel: grpc.aio.Channel
):
    upstream.on("POST /query", Answer(200, {"value": []}, {"query-charge": "much"}))
    error = await refused(QUERY.call(channel))
    assert (error.code, error.reason) == (Code.UNAVAILABLE, "UPSTREAM_UNAVAILABLE")


@pytest.mark.parametrize(
    "link",
    ["https://elsewhere.invalid/p?t=1", "//elsewhere.invalid/p?t=1", "/p?t=1", "http://a@elsewhere.invalid/p?t=1"],
)
async def test_the_pages_of_a_list_are_asked_of_the_upstream_and_of_no_other_host(
    upstream: FaultServer, channel: grpc.aio.Channel, link: str
):
    upstream.on("GET /p", Answer(200, {"value": []}))
    upstream.on(LIST_RELATIONSHIPS.path, Answer(200, {"value": [], "nextLink": link}))
    request = relationships.ListRelationshipsRequest(digital_twin_id="floor")
    await RelationshipServiceStub(channel).ListRelationships(request)
    assert [sent.target.partition("&")[0] for sent in upstream.requests[1:]] == ["/p?t=1"]


async def test_a_link_that_is_no_url_is_unexpected(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on(LIST_RELATIONSHIPS.path, Answer(200, {"value": [], "nextLink": "http://[1/p"}))
    error = await refused(LIST_RELATIONSHIPS.call(channel))
    assert (error.code, error.reason) == UNEXPECTED


async def test_odd_twins_of_a_batch_end_the_batch_and_say_why(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("GET", Answer(200, ODD))
    request = twins.BatchGetDigitalTwinsRequest(digital_twin_ids=["a", "b"])
    error = await refused(DigitalTwinServiceStub(channel).BatchGetDigitalTwins(request))
    assert (error.code, error.reason) == UNEXPECTED
