"""Calls that take several requests to the upstream, when some of these fail or others are faster."""

import asyncio
from typing import Any

import grpc.aio
import orjson
import pytest
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo

from twinfront.errors import from_rpc_error
from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.digital_twin_service_pb2 import DigitalTwinWrite, DigitalTwinWriteResult, Relationships
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront_server.app import App
from twinfront_server.settings import Settings
from twinfront_server.writes.detach import MAX_ROUNDS
from twinfront_server.writes.rewriting import MAX_CONFLICTS

from ..clock import Clock
from .fault_server import NEVER, Answer, FaultServer

MODEL = "dtmi:example:Room;1"
CHANGED = Answer(412, {"error": {"code": "PreconditionFailed", "message": "The etag is another."}})
THROTTLED = Answer(429, {"error": {"code": "TooManyRequests", "message": "Slow down."}}, {"Retry-After": "0"})
BLOCKED = Answer(400, {"error": {"code": "RelationshipsNotDeleted", "message": "There are relationships."}})
UNAVAILABLE = Answer(503, {"error": {"code": "ServiceUnavailable", "message": "Not now."}}, {"Retry-After": "0"})
GONE = Answer(404, {"error": {"code": "RelationshipNotFound", "message": "No."}})
DONE = Answer(204)
NOTHING_LISTED = Answer(200, {"value": []})
DETACH = twins.DeleteDigitalTwinRequest(digital_twin_id="room", relationships=Relationships.RELATIONSHIPS_DETACH)
MERGE = twins.MergeDigitalTwinRequest(digital_twin_id="room", merge_json=b'{"temperature":2}')


def _twin(version: int, **properties: Any) -> Answer:
    document = {"$dtId": "room", "$etag": f'W/"{version}"', **properties, "$metadata": {"$model": MODEL}}
    return Answer(200, document, {"ETag": f'W/"{version}"'})


def _patched(version: int) -> Answer:
    return Answer(204, headers={"ETag": f'W/"{version}"'})


def _listed(*ids: str) -> Answer:
    return Answer(200, {"value": [{"$relationshipId": name, "$sourceId": "room"} for name in ids]})


def _put(digital_twin_id: str) -> DigitalTwinWrite:
    return DigitalTwinWrite(digital_twin_id=digital_twin_id, create_or_replace=DigitalTwin(model_id=MODEL))


def _reason(result: DigitalTwinWriteResult) -> str:
    info = ErrorInfo()
    assert result.status.details[0].Unpack(info)
    return info.reason


def _patches(upstream: FaultServer) -> list[tuple[str, Any]]:
    return [
        (request.headers["If-Match"], orjson.loads(request.body))
        for request in upstream.requests
        if request.method == "PATCH"
    ]


async def test_a_merge_that_meets_another_writer_starts_over(upstream: FaultServer, channel: grpc.aio.Channel):
    # The third read is the look at what is current after the conflict.
    upstream.on("^GET", _twin(1), _twin(2, temperature=1), _twin(2, temperature=1))
    upstream.on("^PATCH", CHANGED, _patched(3))
    response = await DigitalTwinServiceStub(channel).MergeDigitalTwin(MERGE)
    assert (response.etag, response.changed) == ('W/"3"', True)
    assert _patches(upstream) == [
        ('W/"1"', [{"op": "add", "path": "/temperature", "value": 2}]),
        ('W/"2"', [{"op": "replace", "path": "/temperature", "value": 2}]),
    ]


async def test_a_merge_does_not_try_for_ever(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("^GET", _twin(1))
    upstream.on("^PATCH", CHANGED)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await DigitalTwinServiceStub(channel).MergeDigitalTwin(MERGE)
    error = from_rpc_error(caught.value)
    assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
    assert upstream.sent("PATCH") == MAX_CONFLICTS


async def test_a_merge_under_an_etag_is_tried_once(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("^GET", _twin(1))
    upstream.on("^PATCH", CHANGED)
    request = twins.MergeDigitalTwinRequest(digital_twin_id="room", merge_json=b'{"a":1}', if_match='W/"1"')
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await DigitalTwinServiceStub(channel).MergeDigitalTwin(request)
    assert from_rpc_error(caught.value).reason == "ETAG_MISMATCH"
    assert upstream.sent("PATCH") == 1


@pytest.mark.parametrize(("if_match", "reason"), [("", ""), ("*", ""), ('W/"1"', "OUTCOME_UNKNOWN")])
async def test_a_merge_whose_answer_is_lost_may_be_another_s_unless_it_names_an_etag(
    upstream: FaultServer, channel: grpc.aio.Channel, if_match: str, reason: str
):
    touched = {"lastUpdateTime": "2024-01-01T00:00:00.0000000Z"}
    # Another write has set both properties at once, and so was not the merge.
    metadata = {"$model": MODEL, "$lastUpdateTime": touched["lastUpdateTime"], "temperature": touched, "note": touched}
    found = {"$dtId": "room", "$etag": 'W/"2"', "temperature": 2, "note": "x", "$metadata": metadata}
    upstream.on("^GET", _twin(1), Answer(200, found, {"ETag": 'W/"2"'}))
    upstream.on("^PATCH", Answer(breaks="after"))
    request = twins.MergeDigitalTwinRequest(digital_twin_id="room", merge_json=MERGE.merge_json, if_match=if_match)
    told = ""
    try:
        assert (await DigitalTwinServiceStub(channel).MergeDigitalTwin(request)).etag == 'W/"2"'
    except grpc.aio.AioRpcError as error:
        told = from_rpc_error(error).reason
    assert told == reason
    assert len(_patches(upstream)) == 1


@pytest.mark.parametrize("read_back", [_twin(3, temperature=9), Answer(500), Answer(404)])
async def test_a_replacement_is_answered_with_its_own_state_whatever_came_after(
    upstream: FaultServer, channel: grpc.aio.Channel, read_back: Answer
):
    upstream.on("^GET", _twin(1), read_back)
    upstream.on("^PATCH", _patched(2))
    twin = DigitalTwin(json=orjson.dumps({"$metadata": {"$model": MODEL}, "temperature": 2}))
    request = twins.CreateOrReplaceDigitalTwinRequest(digital_twin_id="room", digital_twin=twin, if_match='W/"1"')
    response = await DigitalTwinServiceStub(channel).CreateOrReplaceDigitalTwin(request)
    assert response.etag == response.digital_twin.etag == 'W/"2"'
    assert response.digital_twin.properties["temperature"].int_value == 2
    assert (response.digital_twin.id, response.digital_twin.model_id) == ("room", MODEL)
    assert not response.digital_twin.HasField("last_update_time")


async def test_relationships_that_others_delete_are_fine_and_not_counted(
    upstream: FaultServer, channel: grpc.aio.Channel
):
    upstream.on("^GET .*/incomingrelationships", NOTHING_LISTED)
    upstream.on("^GET .*/relationships", _listed("a", "b", "c"))
    upstream.on("^GET", _twin(1))
    upstream.on("^DELETE .*/relationships/b", GONE)
    upstream.on("^DELETE .*/relationships/c", THROTTLED, DONE)
    upstream.on("^DELETE", DONE)
    response = await DigitalTwinServiceStub(channel).DeleteDigitalTwin(DETACH)
    assert (response.outgoing_relationships_deleted, response.incoming_relationships_deleted) == (2, 0)


async def test_a_detaching_delete_that_fails_tells_what_it_has_deleted(
    upstream: FaultServer, channel: grpc.aio.Channel
):
    upstream.on("^GET .*/incomingrelationships", UNAVAILABLE)
    upstream.on("^GET .*/relationships", _listed("a", "b"))
    upstream.on("^GET", _twin(1))
    upstream.on("^DELETE", DONE)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await DigitalTwinServiceStub(channel).DeleteDigitalTwin(DETACH, timeout=5)
    error = from_rpc_error(caught.value)
    assert error.reason == "UPSTREAM_UNAVAILABLE"
    assert error.metadata["outgoing_relationships_deleted"] == "2"
    assert error.metadata["incoming_relationships_deleted"] == "0"
    assert "without the 2 outgoing and 0 incoming relationships that were deleted before this" in error.message
    assert "changed nothing" not in error.message


@pytest.mark.parametrize("item", [{}, {"$relationshipId": "r"}, {"$relationshipId": 5, "$sourceId": "room"}], ids=str)
async def test_a_relationship_without_ids_ends_a_detaching_delete_typed(
    upstream: FaultServer, channel: grpc.aio.Channel, item: dict[str, Any]
):
    upstream.on("relationships", Answer(200, {"value": [item]}))
    upstream.on("GET", _twin(1))
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await DigitalTwinServiceStub(channel).DeleteDigitalTwin(DETACH, timeout=5)
    assert from_rpc_error(raised.value).reason == "UPSTREAM_ANSWER_UNEXPECTED"
    assert {request.method for request in upstream.requests} == {"GET"}


async def test_lists_of_a_detaching_delete_wait_where_they_are_throttled(
    upstream: FaultServer, channel: grpc.aio.Channel
):
    upstream.on("^GET .*/incomingrelationships", *[THROTTLED] * 10, NOTHING_LISTED)
    upstream.on("^GET .*/relationships", _listed("a"))
    upstream.on("^GET", _twin(1))
    upstream.on("^DELETE", DONE)
    response = await DigitalTwinServiceStub(channel).DeleteDigitalTwin(DETACH)
    assert response.outgoing_relationships_deleted == 1


async def test_relationships_that_keep_turning_up(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("^GET .*/incomingrelationships", NOTHING_LISTED)
    upstream.on("^GET .*/relationships", _listed("a"))
    upstream.on("^GET", _twin(1))
    upstream.on("^DELETE .*/relationships", DONE)
    upstream.on("^DELETE", BLOCKED)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await DigitalTwinServiceStub(channel).DeleteDigitalTwin(DETACH)
    assert from_rpc_error(caught.value).reason == "TWIN_HAS_RELATIONSHIPS"
    assert upstream.sent("DELETE") == 2 * MAX_ROUNDS


async def test_a_throttled_read_fails_a_batch_of_reads(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("^GET .*/b", THROTTLED)
    upstream.on("^GET", _twin(1))
    request = twins.BatchGetDigitalTwinsRequest(digital_twin_ids=["a", "b", "c"])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await DigitalTwinServiceStub(channel).BatchGetDigitalTwins(request)
    error = from_rpc_error(caught.value)
    assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "UPSTREAM_THROTTLED")
    assert any(isinstance(detail, RetryInfo) for detail in error.details)


async def test_throttled_writes_of_a_batch_are_sent_again(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("^PUT .*/b", THROTTLED, THROTTLED, _twin(1))
    upstream.on("^PUT", _twin(1))
    request = twins.BatchWriteDigitalTwinsRequest(writes=[_put(name) for name in "abc"])
    response = await DigitalTwinServiceStub(channel).BatchWriteDigitalTwins(request)
    assert [result.status.code for result in response.results] == [Code.OK] * 3
    assert upstream.sent("PUT") == 5


async def test_a_failing_write_of_a_batch_leaves_the_others_alone(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("^PUT .*/b", Answer(breaks="after"))
    upstream.on("^GET .*/b", Answer(500))
    upstream.on("^PUT", _twin(1))
    request = twins.BatchWriteDigitalTwinsRequest(writes=[_put(name) for name in "abc"])
    results = (await DigitalTwinServiceStub(channel).BatchWriteDigitalTwins(request)).results
    assert [result.status.code for result in results] == [Code.OK, Code.UNKNOWN, Code.OK]
    assert _reason(results[1]) == "OUTCOME_UNKNOWN"


@pytest.mark.parametrize(
    ("method", "name", "request_"),
    [
        ("PUT", "BatchWriteDigitalTwins", twins.BatchWriteDigitalTwinsRequest(writes=[_put("a"), _put("b")])),
        ("GET", "BatchGetDigitalTwins", twins.BatchGetDigitalTwinsRequest(digital_twin_ids=["a", "b"])),
        ("GET", "MergeDigitalTwin", MERGE),
        ("GET", "DeleteDigitalTwin", DETACH),
    ],
)
async def test_a_caller_who_goes_ends_the_work(
    upstream: FaultServer, channel: grpc.aio.Channel, method: str, name: str, request_: Any
):
    upstream.on(f"^{method}", Answer(delay=60))
    call = getattr(DigitalTwinServiceStub(channel), name)(request_)
    async with asyncio.timeout(5):
        await upstream.received.wait()
        call.cancel()
        await upstream.abandoned.wait()


async def test_all_writes_that_a_batch_does_not_come_to_have_failed(
    upstream: FaultServer, server: App, channel: grpc.aio.Channel, clock: Clock
):
    """Those that the deadline cuts off, and those that were not begun."""
    upstream.on("^PUT", Answer(400, {"error": {"code": "ValidationFailed", "message": "No."}}), NEVER)
    request = twins.BatchWriteDigitalTwinsRequest(writes=[_put(f"room-{number}") for number in range(1000)])
    batch = DigitalTwinServiceStub(channel).BatchWriteDigitalTwins(request, timeout=20)
    await upstream.received.wait()
    await clock.advance(20)
    results = (await batch).results
    assert {_reason(result) for result in results} >= {"OUTCOME_UNKNOWN", "DEADLINE_EXCEEDED"}
    counted = [
        sample.value
        for family in server.metrics.registry.collect()
        for sample in family.samples
        if sample.name == "twinfront_item_errors_total"
    ]
    assert sum(counted) == len(results) == 1000


class TestOneWriteAtATime:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.changed(batch_concurrency=1)

    async def test_a_batch_answers_before_its_deadline_what_it_has_done(
        self, upstream: FaultServer, channel: grpc.aio.Channel
    ):
        upstream.on("^PUT .*/b", Answer(delay=60))
        upstream.on("^PUT", _twin(1))
        request = twins.BatchWriteDigitalTwinsRequest(writes=[_put(name) for name in "abcd"])
        response = await DigitalTwinServiceStub(channel).BatchWriteDigitalTwins(request, timeout=1.5)
        codes = [result.status.code for result in response.results]
        assert codes == [Code.OK, Code.UNKNOWN, Code.DEADLINE_EXCEEDED, Code.DEADLINE_EXCEEDED]
        assert [_reason(result) for result in response.results[1:]] == [
            "OUTCOME_UNKNOWN",
            "DEADLINE_EXCEEDED",
            "DEADLINE_EXCEEDED",
        ]
        assert upstream.sent("PUT") == 2

    async def test_writes_that_stay_throttled_say_so(self, upstream: FaultServer, channel: grpc.aio.Channel):
        later = Answer(429, THROTTLED.body, {"Retry-After": "60"})
        upstream.on("^PUT", later)
        request = twins.BatchWriteDigitalTwinsRequest(writes=[_put("a"), _put("b")])
        response = await DigitalTwinServiceStub(channel).BatchWriteDigitalTwins(request, timeout=1.5)
        assert {_reason(result) for result in response.results} == {"UPSTREAM_THROTTLED"}
