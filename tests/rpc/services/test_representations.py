"""The two representations and views of the same resource."""

import orjson
import pytest

from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1 import relationship_service_pb2 as relationships
from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.relationship_pb2 import IncomingRelationship, Relationship
from twinfront.v1.representation_pb2 import Representation, View

from .building import ROOM, Building, room

JSON, TYPED = Representation.REPRESENTATION_JSON, Representation.REPRESENTATION_TYPED


async def test_a_twin_in_json_has_the_service_s_members_and_no_typed_field(building: Building):
    etag = await building.add_room("room", temperature=1.0)
    request = twins.GetDigitalTwinRequest(digital_twin_id="room", representation=JSON)
    response = await building.twins.GetDigitalTwin(request)
    assert response.etag == etag
    assert response.digital_twin == DigitalTwin(json=response.digital_twin.json)
    document = orjson.loads(response.digital_twin.json)
    assert (document["$dtId"], document["$etag"], document["temperature"]) == ("room", etag, 1.0)
    assert document["$metadata"]["$model"] == ROOM
    assert "lastUpdateTime" in document["$metadata"]["temperature"]


async def test_unspecified_is_typed(building: Building):
    await building.add_room("room", temperature=1.0)
    request = twins.GetDigitalTwinRequest(digital_twin_id="room")
    unspecified = await building.twins.GetDigitalTwin(request)
    request.representation = TYPED
    request.view = View.VIEW_FULL
    assert await building.twins.GetDigitalTwin(request) == unspecified
    assert unspecified.digital_twin.property_metadata


@pytest.mark.parametrize("as_json", [False, True])
async def test_what_is_written_in_one_form_is_read_in_the_other(building: Building, as_json: bool):
    if as_json:
        document = {
            "$metadata": {"$model": ROOM},
            "address": {"city": "Graz"},
            "visits": 2**60,
            "thermostat": {"$metadata": {}, "setpoint": 20.0},
        }
        twin = DigitalTwin(json=orjson.dumps(document))
    else:
        twin = room(address={"city": "Graz"}, visits=2**60)
    created = await building.twins.CreateOrReplaceDigitalTwin(
        twins.CreateOrReplaceDigitalTwinRequest(
            digital_twin_id="room", digital_twin=twin, representation=TYPED if as_json else JSON
        )
    )
    read = await building.read("room") if as_json else await building.read_json("room")
    assert (created.digital_twin if as_json else orjson.loads(created.digital_twin.json)) == read


async def test_a_twin_that_was_read_can_be_written_back_in_both_forms(building: Building):
    await building.add_room("room", temperature=1.0, labels={"a": "b"})
    typed = await building.read("room")
    as_json = await building.read_json("room")
    for twin in (typed, DigitalTwin(json=orjson.dumps(as_json))):
        written = await building.twins.CreateOrReplaceDigitalTwin(
            twins.CreateOrReplaceDigitalTwinRequest(digital_twin_id="room", digital_twin=twin)
        )
        assert written.digital_twin.properties == typed.properties


@pytest.mark.parametrize("representation", [TYPED, JSON])
async def test_the_basic_view_has_no_metadata_of_properties(
    building: Building, representation: Representation.ValueType
):
    await building.add_room("room", temperature=1.0)
    response = await building.twins.GetDigitalTwin(
        twins.GetDigitalTwinRequest(digital_twin_id="room", representation=representation, view=View.VIEW_BASIC)
    )
    component = await building.twins.GetComponent(
        twins.GetComponentRequest(
            digital_twin_id="room",
            component_name="thermostat",
            representation=representation,
            view=View.VIEW_BASIC,
        )
    )
    if representation == JSON:
        document = orjson.loads(response.digital_twin.json)
        assert set(document["$metadata"]) == {"$model", "$lastUpdateTime"}
        assert set(document["thermostat"]["$metadata"]) == {"$lastUpdateTime"}
        assert orjson.loads(component.component.json) == document["thermostat"]
    else:
        assert response.digital_twin.last_update_time.seconds
        assert not response.digital_twin.property_metadata
        assert not component.component.property_metadata
        assert component.component == response.digital_twin.components["thermostat"]


async def test_relationships_in_json(building: Building):
    await building.add_room("a")
    await building.add_room("b")
    edge = Relationship(json=b'{"$relationshipName":"adjacentTo","$targetId":"b","weight":1.0}')
    created = await building.relationships.CreateOrReplaceRelationship(
        relationships.CreateOrReplaceRelationshipRequest(
            digital_twin_id="a", relationship_id="r", relationship=edge, representation=JSON
        )
    )
    expected = {
        "$relationshipId": "r",
        "$etag": created.etag,
        "$sourceId": "a",
        "$relationshipName": "adjacentTo",
        "$targetId": "b",
        "weight": 1.0,
    }
    read = await building.relationships.GetRelationship(
        relationships.GetRelationshipRequest(digital_twin_id="a", relationship_id="r", representation=JSON)
    )
    listed = await building.relationships.ListRelationships(
        relationships.ListRelationshipsRequest(digital_twin_id="a", representation=JSON)
    )
    for relationship in (created.relationship, read.relationship, *listed.relationships):
        assert orjson.loads(relationship.json) == expected
        assert relationship == Relationship(json=relationship.json)


async def test_incoming_relationships_in_json_have_a_link(building: Building):
    await building.add_room("a")
    await building.add_room("b")
    await building.connect("a", "r", "b")
    listed = await building.relationships.ListIncomingRelationships(
        relationships.ListIncomingRelationshipsRequest(digital_twin_id="b", representation=JSON)
    )
    (item,) = listed.incoming_relationships
    assert item == IncomingRelationship(json=item.json)
    document = orjson.loads(item.json)
    assert (document["$relationshipId"], document["$sourceId"]) == ("r", "a")
    assert document["$relationshipLink"].startswith("https://")
