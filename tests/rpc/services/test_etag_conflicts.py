"""Conditions: two writers on one resource, and one of them is told."""

import grpc
import pytest

from twinfront.errors import TwinfrontError
from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1 import relationship_service_pb2 as relationships
from twinfront.v1.error_details_pb2 import EtagConflict

from .building import Building, replace, value
from .refusal import refused

STALE = 'W/"00000000-0000-0000-0000-000000000000"'


def _conflict(error: TwinfrontError) -> EtagConflict:
    assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
    (conflict,) = (detail for detail in error.details if isinstance(detail, EtagConflict))
    return conflict


async def test_of_two_writers_one_is_told_the_current_etag_and_succeeds_with_it(building: Building):
    read_by_both = await building.add_room("room", visits=1)
    first = await building.patch("room", replace("/visits", 2), if_match=read_by_both)
    conflict = _conflict(await refused(building.patch("room", replace("/visits", 3), if_match=read_by_both)))
    assert conflict == EtagConflict(resource="digitaltwins/room", expected_etag=read_by_both, current_etag=first)
    await building.patch("room", replace("/visits", 3), if_match=conflict.current_etag)
    assert (await building.read("room")).properties["visits"] == value(3)


async def test_a_refused_write_changes_nothing(building: Building):
    etag = await building.add_room("room", visits=1)
    await refused(building.patch("room", replace("/visits", 2), if_match=STALE))
    twin = await building.read("room")
    assert (twin.etag, twin.properties["visits"]) == (etag, value(1))


async def test_a_conflict_of_a_delete(building: Building):
    etag = await building.add_room("room")
    request = twins.DeleteDigitalTwinRequest(digital_twin_id="room", if_match=STALE)
    conflict = _conflict(await refused(building.twins.DeleteDigitalTwin(request)))
    assert conflict.current_etag == etag
    request.if_match = etag
    await building.twins.DeleteDigitalTwin(request)


async def test_a_conflict_of_a_component_is_its_twin_s(building: Building):
    etag = await building.add_room("room")
    request = twins.UpdateComponentRequest(
        digital_twin_id="room", component_name="thermostat", patch=[replace("/setpoint", 1.0)], if_match=STALE
    )
    conflict = _conflict(await refused(building.twins.UpdateComponent(request)))
    assert (conflict.resource, conflict.current_etag) == ("digitaltwins/room", etag)
    request.if_match = etag
    await building.twins.UpdateComponent(request)


async def test_conflicts_of_a_relationship(building: Building):
    await building.add_room("a")
    await building.add_room("b")
    etag = await building.connect("a", "r", "b")
    update = relationships.UpdateRelationshipRequest(digital_twin_id="a", relationship_id="r", if_match=STALE)
    conflict = _conflict(await refused(building.relationships.UpdateRelationship(update)))
    assert conflict == EtagConflict(resource="digitaltwins/a/relationships/r", expected_etag=STALE, current_etag=etag)
    delete = relationships.DeleteRelationshipRequest(digital_twin_id="a", relationship_id="r", if_match=STALE)
    assert _conflict(await refused(building.relationships.DeleteRelationship(delete))).current_etag == etag


async def test_a_star_matches_whatever_is_there(building: Building):
    await building.add_room("room", visits=1)
    await building.patch("room", replace("/visits", 2), if_match="*")
    await building.twins.DeleteDigitalTwin(twins.DeleteDigitalTwinRequest(digital_twin_id="room", if_match="*"))


@pytest.mark.parametrize("etag", ['W/"other"', '"other"', '""'])
async def test_any_entity_tag_is_compared(building: Building, etag: str):
    await building.add_room("room", visits=1)
    conflict = _conflict(await refused(building.patch("room", replace("/visits", 2), if_match=etag)))
    assert conflict.expected_etag == etag
