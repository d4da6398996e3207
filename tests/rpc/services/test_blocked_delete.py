"""A twin that has relationships cannot be deleted, and the caller is told which."""

import grpc
import pytest
from google.rpc.error_details_pb2 import PreconditionFailure

from twinfront.errors import TwinfrontError
from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1 import relationship_service_pb2 as relationships
from twinfront.v1.error_details_pb2 import RelationshipsBlockingDelete

from .building import Building
from .refusal import refused

Blocking = RelationshipsBlockingDelete.BlockingRelationship
DELETE = twins.DeleteDigitalTwinRequest(digital_twin_id="room")


def _blocking(error: TwinfrontError) -> RelationshipsBlockingDelete:
    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "TWIN_HAS_RELATIONSHIPS")
    assert error.metadata == {"digital_twin_id": "room"}
    (blocking,) = (detail for detail in error.details if isinstance(detail, RelationshipsBlockingDelete))
    return blocking


async def test_blockers_of_both_directions_are_named_and_a_twin_without_them_is_deleted(building: Building):
    await building.add_floor("floor")
    await building.add_room("room")
    await building.add_room("other")
    await building.connect("room", "out", "other")
    await building.connect("floor", "in", "room", "contains")
    error = await refused(building.twins.DeleteDigitalTwin(DELETE))
    assert _blocking(error) == RelationshipsBlockingDelete(
        outgoing=[Blocking(relationship_id="out", source_id="room", target_id="other", name="adjacentTo")],
        incoming=[Blocking(relationship_id="in", source_id="floor", target_id="room", name="contains")],
        outgoing_total=1,
        incoming_total=1,
    )
    (failure,) = (detail for detail in error.details if isinstance(detail, PreconditionFailure))
    assert [violation.subject for violation in failure.violations] == ["digitaltwins/room"] * 2

    for blocker in (*_blocking(error).outgoing, *_blocking(error).incoming):
        await building.relationships.DeleteRelationship(
            relationships.DeleteRelationshipRequest(
                digital_twin_id=blocker.source_id, relationship_id=blocker.relationship_id
            )
        )
    await building.twins.DeleteDigitalTwin(DELETE)


@pytest.mark.parametrize(("outgoing", "incoming"), [(25, 0), (0, 25), (25, 25), (3, 25)])
async def test_twenty_blockers_are_listed_and_all_are_counted(building: Building, outgoing: int, incoming: int):
    await building.add_room("room")
    await building.add_room("other")
    for number in range(outgoing):
        await building.connect("room", f"r{number}", "other")
    for number in range(incoming):
        await building.connect("other", f"r{number}", "room")
    blocking = _blocking(await refused(building.twins.DeleteDigitalTwin(DELETE)))
    assert (blocking.outgoing_total, blocking.incoming_total) == (outgoing, incoming)
    assert len(blocking.outgoing) + len(blocking.incoming) == 20
    assert len(blocking.outgoing) == min(outgoing, 20 - min(incoming, 10))
    assert not blocking.counts_are_lower_bounds


async def test_the_longest_ids_reach_the_caller(building: Building):
    longest = "\U0001f3e2" * 128
    await building.add_room(longest)
    await building.add_room("other")
    for number in range(20):
        await building.connect(longest, longest[:-3] + f"{number:03}", "other")
    request = twins.DeleteDigitalTwinRequest(digital_twin_id=longest)
    for _ in range(10):
        error = await refused(building.twins.DeleteDigitalTwin(request))
        assert error.metadata == {"digital_twin_id": longest}
        (blocking,) = (detail for detail in error.details if isinstance(detail, RelationshipsBlockingDelete))
        assert blocking.outgoing_total == 20
