"""Deleting a twin together with its relationships."""

import asyncio
from collections.abc import Iterable

import grpc
import pytest

from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1 import relationship_service_pb2 as relationships
from twinfront.v1.digital_twin_service_pb2 import Relationships
from twinfront.v1.error_details_pb2 import EtagConflict

from .building import Building, replace
from .refusal import refused, refused_field


async def _detach(building: Building, **fields: object) -> tuple[int, int]:
    """Deletes the twin `room` and returns how many relationships of both directions went."""
    request = twins.DeleteDigitalTwinRequest(
        digital_twin_id="room",
        relationships=Relationships.RELATIONSHIPS_DETACH,
        **fields,  # type: ignore[arg-type]
    )
    response = await building.twins.DeleteDigitalTwin(request)
    return response.outgoing_relationships_deleted, response.incoming_relationships_deleted


async def _graph(building: Building) -> str:
    """A room with two relationships out, three in, and one between others."""
    for name in ("other", "third"):
        await building.add_room(name)
    etag = await building.add_room("room")
    await _connect(building, [("room", "o1", "other"), ("room", "o2", "third")])
    await _connect(building, [("other", "i1", "room"), ("third", "i2", "room"), ("third", "i3", "room")])
    await building.connect("other", "kept", "third")
    return etag


async def _connect(building: Building, triples: Iterable[tuple[str, str, str]]) -> None:
    await asyncio.gather(*(building.connect(*triple) for triple in triples))


async def _relationship_ids(building: Building, digital_twin_id: str) -> list[str]:
    request = relationships.ListRelationshipsRequest(digital_twin_id=digital_twin_id)
    listed = await building.relationships.ListRelationships(request)
    return sorted(relationship.id for relationship in listed.relationships)


async def _is_gone(building: Building) -> bool:
    error = await refused(building.read("room"))
    return error.reason == "TWIN_NOT_FOUND"


async def test_relationships_of_both_directions_go_and_are_counted(building: Building):
    await _graph(building)
    assert await _detach(building) == (2, 3)
    assert await _is_gone(building)
    assert await _relationship_ids(building, "other") == ["kept"]
    assert await _relationship_ids(building, "third") == []


async def test_a_twin_without_relationships_is_deleted(building: Building):
    await building.add_room("room")
    assert await _detach(building) == (0, 0)
    assert await _is_gone(building)


async def test_hundreds_of_relationships_go_with_their_twin(building: Building):
    for name in ("room", "other"):
        await building.add_room(name)
    await _connect(building, [("room", f"o{number}", "other") for number in range(600)])
    await _connect(building, [("other", f"i{number}", "room") for number in range(500)])
    assert await _detach(building) == (600, 500)
    assert await _is_gone(building)
    assert await _relationship_ids(building, "other") == []


async def test_the_condition_is_looked_at_before_anything_is_deleted(building: Building):
    old = await _graph(building)
    current = await building.patch("room", replace("/thermostat/setpoint", 18.0))
    error = await refused(_detach(building, if_match=old))
    assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
    (conflict,) = (detail for detail in error.details if isinstance(detail, EtagConflict))
    assert conflict == EtagConflict(resource="digitaltwins/room", expected_etag=old, current_etag=current)
    assert await _relationship_ids(building, "room") == ["o1", "o2"]
    assert await _relationship_ids(building, "third") == ["i2", "i3"]
    assert await _detach(building, if_match=current) == (2, 3)


@pytest.mark.parametrize("if_match", ["", "*", 'W/"1"'])
async def test_a_twin_that_is_not_there(building: Building, if_match: str):
    error = await refused(_detach(building, if_match=if_match))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "TWIN_NOT_FOUND")
    assert error.metadata == {"digital_twin_id": "room"}


async def test_two_who_detach_at_once_share_the_work(building: Building):
    await _graph(building)
    outcomes = await asyncio.gather(_detach(building), _detach(building), return_exceptions=True)
    counted = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    late = [outcome for outcome in outcomes if isinstance(outcome, grpc.aio.AioRpcError)]
    assert len(counted) == 1
    assert {error.code() for error in late} == {grpc.StatusCode.NOT_FOUND}
    assert await _is_gone(building)


async def test_relationships_that_turn_up_meanwhile_go_too(building: Building):
    for name in ("room", "other"):
        await building.add_room(name)
    await _connect(building, [("room", f"o{number}", "other") for number in range(150)])

    async def connect(number: int) -> bool:
        try:
            await building.connect("other", f"late{number}", "room")
        except grpc.aio.AioRpcError as error:
            assert error.code() is grpc.StatusCode.FAILED_PRECONDITION  # noqa: PT017  (the target is gone)
            return False
        return True

    late = [asyncio.create_task(connect(number)) for number in range(20)]
    outgoing, incoming = await _detach(building)
    assert (outgoing, incoming) == (150, sum(await asyncio.gather(*late)))
    assert await _is_gone(building)
    assert await _relationship_ids(building, "other") == []


async def test_without_detaching_nothing_is_counted_or_deleted(building: Building):
    await _graph(building)
    for choice in (Relationships.RELATIONSHIPS_FAIL, Relationships.RELATIONSHIPS_UNSPECIFIED):
        request = twins.DeleteDigitalTwinRequest(digital_twin_id="room", relationships=choice)
        assert (await refused(building.twins.DeleteDigitalTwin(request))).reason == "TWIN_HAS_RELATIONSHIPS"
    assert await _relationship_ids(building, "room") == ["o1", "o2"]


async def test_a_number_that_is_no_choice_is_refused(building: Building):
    request = twins.DeleteDigitalTwinRequest(digital_twin_id="room", relationships=99)  # type: ignore[arg-type]
    assert await refused_field(building.twins.DeleteDigitalTwin(request)) == "relationships"


async def test_a_dry_run_counts_and_deletes_nothing(building: Building):
    etag = await _graph(building)
    assert await _detach(building, validate_only=True, if_match=etag) == (2, 3)
    assert (await refused(_detach(building, validate_only=True, if_match='W/"1"'))).reason == "ETAG_MISMATCH"
    assert await _relationship_ids(building, "room") == ["o1", "o2"]
    assert (await building.read("room")).etag == etag
    await building.add_room("alone")
    request = twins.DeleteDigitalTwinRequest(
        digital_twin_id="alone", relationships=Relationships.RELATIONSHIPS_DETACH, validate_only=True
    )
    await building.twins.DeleteDigitalTwin(request)
    await building.read("alone")
