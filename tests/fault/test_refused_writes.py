"""What a refused write is told beside the refusal: the etag that is current, the relationships in the way."""

import grpc
import grpc.aio
import pytest

from twinfront.errors import TwinfrontError
from twinfront.v1.error_details_pb2 import EtagConflict, RelationshipsBlockingDelete

from .calls import DELETE_TWIN, ETAG, UPDATE_RELATIONSHIP_IF_MATCH, UPDATE_TWIN_IF_MATCH, Rpc, refused
from .fault_server import Answer, FaultServer

CONFLICT = Answer(412, {"error": {"code": "PreconditionFailed", "message": "No."}})
BLOCKED = Answer(400, {"error": {"code": "RelationshipsNotDeleted", "message": "Twin room has relationships."}})
NONE = Answer(200, {"value": [], "nextLink": None})
OUTGOING, INCOMING = "GET /digitaltwins/room/relationships", "GET /digitaltwins/room/incomingrelationships"


def _page(
    upstream: FaultServer, path: str, first: int, count: int, following: str | None = None, **answer: float
) -> Answer:
    items = [
        {"$relationshipId": f"r{index}", "$sourceId": "floor", "$targetId": "room", "$relationshipName": "contains"}
        for index in range(first, first + count)
    ]
    link = None if following is None else f"{upstream.url}/digitaltwins/room/{path}?token={following}"
    return Answer(200, {"value": items, "nextLink": link}, **answer)  # type: ignore[arg-type]


def _blocking(error: TwinfrontError) -> RelationshipsBlockingDelete:
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "TWIN_HAS_RELATIONSHIPS")
    (blocking,) = (detail for detail in error.details if isinstance(detail, RelationshipsBlockingDelete))
    return blocking


@pytest.mark.parametrize("rpc", [UPDATE_TWIN_IF_MATCH, UPDATE_RELATIONSHIP_IF_MATCH], ids=str)
async def test_a_conflict_names_the_current_etag(upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc):
    upstream.on("PATCH", CONFLICT)
    upstream.on("GET", Answer(200, {"$etag": 'W/"2"'}, {"ETag": 'W/"2"'}))
    error = await refused(rpc.call(channel))
    (conflict,) = (detail for detail in error.details if isinstance(detail, EtagConflict))
    assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
    assert (conflict.resource, conflict.expected_etag, conflict.current_etag) == (rpc.path[1:], ETAG, 'W/"2"')


@pytest.mark.parametrize(
    "looked_up", [Answer(404, {"error": {"code": "DigitalTwinNotFound"}}), Answer(500), Answer(401), Answer(200)]
)
async def test_a_conflict_stays_one_when_the_current_etag_cannot_be_read(
    upstream: FaultServer, channel: grpc.aio.Channel, looked_up: Answer
):
    upstream.on("PATCH", CONFLICT)
    upstream.on("GET", looked_up)
    error = await refused(UPDATE_TWIN_IF_MATCH.call(channel))
    (conflict,) = (detail for detail in error.details if isinstance(detail, EtagConflict))
    assert (error.reason, conflict.current_etag) == ("ETAG_MISMATCH", "")


async def test_all_pages_of_blockers_are_counted_and_twenty_listed(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("DELETE", BLOCKED)
    upstream.on(INCOMING, _page(upstream, "incomingrelationships", 0, 3))
    upstream.on(OUTGOING, *(_page(upstream, "relationships", page * 10, 10, str(page)) for page in range(4)), NONE)
    blocking = _blocking(await refused(DELETE_TWIN.call(channel)))
    assert (blocking.outgoing_total, blocking.incoming_total) == (40, 3)
    assert (len(blocking.outgoing), len(blocking.incoming)) == (17, 3)
    assert not blocking.counts_are_lower_bounds


async def test_many_blockers_of_both_directions_share_the_list(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("DELETE", BLOCKED)
    upstream.on(INCOMING, _page(upstream, "incomingrelationships", 0, 100))
    upstream.on(OUTGOING, _page(upstream, "relationships", 0, 100))
    blocking = _blocking(await refused(DELETE_TWIN.call(channel)))
    assert (blocking.outgoing_total, blocking.incoming_total) == (100, 100)
    assert (len(blocking.outgoing), len(blocking.incoming)) == (10, 10)


async def test_a_deadline_too_short_to_count_all_gives_lower_bounds(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("DELETE", BLOCKED)
    upstream.on(INCOMING, NONE)
    upstream.on(
        OUTGOING, _page(upstream, "relationships", 0, 10, "1"), _page(upstream, "relationships", 10, 10, delay=60.0)
    )
    blocking = _blocking(await refused(DELETE_TWIN.call(channel, timeout=2)))
    assert blocking.outgoing_total == 10
    assert blocking.counts_are_lower_bounds


@pytest.mark.parametrize("failure", [Answer(500), Answer(404), Answer(200, b"<html>"), Answer(200, {"value": 5})])
async def test_a_blocked_delete_stays_one_when_the_blockers_cannot_be_read(
    upstream: FaultServer, channel: grpc.aio.Channel, failure: Answer
):
    upstream.on("DELETE", BLOCKED)
    upstream.on("GET", failure)
    blocking = _blocking(await refused(DELETE_TWIN.call(channel)))
    assert blocking == RelationshipsBlockingDelete(counts_are_lower_bounds=True)


async def test_blockers_that_lack_members_are_counted_all_the_same(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("DELETE", BLOCKED)
    upstream.on("GET", Answer(200, {"value": [{}, {"$relationshipId": "r"}]}))
    blocking = _blocking(await refused(DELETE_TWIN.call(channel)))
    assert (blocking.outgoing_total, blocking.incoming_total) == (2, 2)


async def test_the_longest_ids_in_any_script_reach_every_caller(upstream: FaultServer, channel: grpc.aio.Channel):
    longest = "\U0001f3e2" * 128
    item = dict.fromkeys(("$relationshipId", "$sourceId", "$targetId", "$relationshipName"), longest)
    upstream.on("DELETE", Answer(400, {"error": {"code": "RelationshipsNotDeleted", "message": longest * 4}}))
    upstream.on("GET", Answer(200, {"value": [item] * 50}))
    for _ in range(20):
        blocking = _blocking(await refused(DELETE_TWIN.call(channel)))
        assert (blocking.outgoing_total, blocking.incoming_total) == (50, 50)
