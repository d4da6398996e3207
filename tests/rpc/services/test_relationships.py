"""Relationships: written, read, changed, deleted."""

from typing import Any

import grpc
import pytest

from twinfront.v1 import relationship_service_pb2 as relationships
from twinfront.v1.relationship_pb2 import IncomingRelationship, Relationship

from .building import Building, add, remove, replace, value
from .refusal import fields, refused

IDS: dict[str, Any] = {"digital_twin_id": "a", "relationship_id": "r"}
GET = relationships.GetRelationshipRequest(digital_twin_id="a", relationship_id="r")
Code = grpc.StatusCode


@pytest.fixture
async def rooms(building: Building) -> Building:
    """With two rooms and a floor."""
    await building.add_room("a")
    await building.add_room("b")
    await building.add_floor("floor")
    return building


def _put(relationship: Relationship, **changes: Any) -> relationships.CreateOrReplaceRelationshipRequest:
    request = relationships.CreateOrReplaceRelationshipRequest(
        digital_twin_id="a", relationship_id="r", relationship=relationship
    )
    for name, item in changes.items():
        setattr(request, name, item)
    return request


def _edge(target: str = "b", name: str = "adjacentTo", **properties: Any) -> Relationship:
    return Relationship(
        name=name, target_id=target, properties={member: value(item) for member, item in properties.items()}
    )


async def test_a_created_relationship_is_answered_whole_and_read_back_equal(rooms: Building):
    created = await rooms.relationships.CreateOrReplaceRelationship(_put(_edge(weight=1.0)))
    assert created.relationship == Relationship(
        id="r", etag=created.etag, source_id="a", target_id="b", name="adjacentTo", properties={"weight": value(1.0)}
    )
    read = await rooms.relationships.GetRelationship(GET)
    assert (read.relationship, read.etag) == (created.relationship, created.etag)


async def test_a_relationship_is_seen_from_both_ends(rooms: Building):
    await rooms.connect("a", "r", "b")
    outgoing = await rooms.relationships.ListRelationships(relationships.ListRelationshipsRequest(digital_twin_id="a"))
    incoming = await rooms.relationships.ListIncomingRelationships(
        relationships.ListIncomingRelationshipsRequest(digital_twin_id="b")
    )
    assert [item.id for item in outgoing.relationships] == ["r"]
    assert list(incoming.incoming_relationships) == [
        IncomingRelationship(relationship_id="r", source_id="a", name="adjacentTo")
    ]


async def test_a_patch_changes_properties(rooms: Building):
    await rooms.connect("a", "r", "b")
    update = relationships.UpdateRelationshipRequest(**IDS, patch=[add("/weight", 1.5)])
    response = await rooms.relationships.UpdateRelationship(update)
    read = await rooms.relationships.GetRelationship(GET)
    assert read.relationship.properties == {"weight": value(1.5)}
    assert read.etag == response.etag


async def test_replacing_drops_what_the_request_does_not_have(rooms: Building):
    await rooms.relationships.CreateOrReplaceRelationship(_put(_edge(weight=1.0)))
    replaced = await rooms.relationships.CreateOrReplaceRelationship(_put(_edge()))
    assert not replaced.relationship.properties


async def test_creating_only_fails_if_there_is_one(rooms: Building):
    await rooms.relationships.CreateOrReplaceRelationship(_put(_edge(), if_none_match="*"))
    error = await refused(rooms.relationships.CreateOrReplaceRelationship(_put(_edge(), if_none_match="*")))
    assert (error.code, error.reason) == (Code.ALREADY_EXISTS, "RELATIONSHIP_ALREADY_EXISTS")
    assert error.metadata.items() >= IDS.items()


async def test_a_deleted_relationship_is_gone(rooms: Building):
    await rooms.connect("a", "r", "b")
    await rooms.relationships.DeleteRelationship(relationships.DeleteRelationshipRequest(**IDS))
    error = await refused(rooms.relationships.GetRelationship(GET))
    assert (error.code, error.reason) == (Code.NOT_FOUND, "RELATIONSHIP_NOT_FOUND")
    assert error.metadata == IDS


async def test_a_relationship_to_nobody_fails_for_its_target(rooms: Building):
    error = await refused(rooms.relationships.CreateOrReplaceRelationship(_put(_edge("nobody"))))
    assert (error.code, error.reason) == (Code.FAILED_PRECONDITION, "TARGET_TWIN_NOT_FOUND")
    assert error.metadata == IDS | {"target_id": "nobody"}


@pytest.mark.parametrize("as_json", [False, True])
async def test_a_relationship_of_nobody_fails_for_its_source(rooms: Building, as_json: bool):
    edge = Relationship(json=b'{"$relationshipName":"adjacentTo","$targetId":"b"}') if as_json else _edge()
    error = await refused(rooms.relationships.CreateOrReplaceRelationship(_put(edge, digital_twin_id="nobody")))
    assert (error.code, error.reason) == (Code.NOT_FOUND, "TWIN_NOT_FOUND")


@pytest.mark.parametrize(
    ("relationship", "reason", "field"),
    [
        (_edge("a"), "INVALID_ARGUMENT", "relationship.target_id"),
        (_edge(name="unknown"), "VALIDATION_FAILED", "relationship"),
        (_edge(weight="heavy"), "VALIDATION_FAILED", 'relationship.properties["weight"]'),
        (_edge(color="red"), "VALIDATION_FAILED", 'relationship.properties["color"]'),
        (
            Relationship(json=b'{"$relationshipName":"adjacentTo","$targetId":"b","color":1}'),
            "VALIDATION_FAILED",
            "relationship.json",
        ),
        (Relationship(json=b'{"$relationshipName":"adjacentTo"}'), "INVALID_ARGUMENT", "relationship.json"),
        (Relationship(json=b'{"$relationshipName":5,"$targetId":"b"}'), "INVALID_ARGUMENT", "relationship.json"),
    ],
)
async def test_a_relationship_that_does_not_fit(rooms: Building, relationship: Relationship, reason: str, field: str):
    error = await refused(rooms.relationships.CreateOrReplaceRelationship(_put(relationship)))
    assert (error.code, error.reason, fields(error)) == (Code.INVALID_ARGUMENT, reason, [field])


async def test_a_target_of_another_model_than_the_relationship_has(rooms: Building):
    request = _put(_edge("a", "contains"), digital_twin_id="floor")
    await rooms.relationships.CreateOrReplaceRelationship(request)
    request.relationship.target_id = "floor"
    error = await refused(rooms.relationships.CreateOrReplaceRelationship(request))
    assert error.code is Code.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("operation", "reason", "field"),
    [
        (add("/weight", "heavy"), "VALIDATION_FAILED", "patch[0].value"),
        (add("/color", 1), "VALIDATION_FAILED", "patch[0].value"),
        (replace("/weight", 1.0), "JSON_PATCH_INVALID", "patch[0].path"),
        (remove("/weight"), "JSON_PATCH_INVALID", "patch[0].path"),
    ],
)
async def test_a_patch_that_does_not_fit(rooms: Building, operation: Any, reason: str, field: str):
    await rooms.connect("a", "r", "b")
    update = relationships.UpdateRelationshipRequest(**IDS, patch=[operation])
    error = await refused(rooms.relationships.UpdateRelationship(update))
    assert (error.code, error.reason, fields(error)) == (Code.INVALID_ARGUMENT, reason, [field])
