"""Twins, components, relationships and models as Python values."""

import copy
import dataclasses
import pickle
from typing import Any

import pytest

from twinfront import (
    Component,
    DigitalTwin,
    IncomingRelationship,
    Model,
    PropertyMetadata,
    Relationship,
    Timestamp,
)

ROOM: dict[str, Any] = {
    "$dtId": "room-1",
    "$etag": 'W/"1"',
    "temperature": 21.5,
    "floor": 3,
    "address": {"city": "Bern", "zip": 3011},
    "thermostat": {
        "setpoint": 20,
        "$metadata": {
            "$lastUpdateTime": "2024-05-01T12:00:00.1234567Z",
            "setpoint": {"lastUpdateTime": "2024-05-01T12:00:00.1234567Z"},
        },
    },
    "$metadata": {
        "$model": "dtmi:example:Room;1",
        "$lastUpdateTime": "2024-05-01T12:00:00.1234567Z",
        "temperature": {
            "lastUpdateTime": "2024-05-01T12:00:00.1234567Z",
            "sourceTime": "2024-05-01T11:59:58Z",
        },
        "floor": {"lastUpdateTime": "2024-05-01T12:00:00.1234567Z"},
        "address": {"lastUpdateTime": "2024-05-01T12:00:00.1234567Z"},
    },
}


def test_a_twin_reads_its_json_form() -> None:
    twin = DigitalTwin.from_dict(ROOM)
    assert (twin.id, twin.etag, twin.model_id) == ("room-1", 'W/"1"', "dtmi:example:Room;1")
    assert twin.properties == {"temperature": 21.5, "floor": 3, "address": {"city": "Bern", "zip": 3011}}
    assert twin.last_update_time == Timestamp("2024-05-01T12:00:00.1234567Z")
    assert twin.property_metadata["temperature"].source_time == Timestamp("2024-05-01T11:59:58Z")


def test_an_object_is_a_component_only_with_metadata() -> None:
    twin = DigitalTwin.from_dict(ROOM)
    assert list(twin.components) == ["thermostat"]
    assert twin.components["thermostat"]["setpoint"] == 20


def test_a_twin_comes_back_as_the_json_form_that_it_was_read_from() -> None:
    assert DigitalTwin.from_dict(ROOM).to_dict() == ROOM


def test_a_twin_survives_the_way_to_the_json_form_and_back() -> None:
    twin = DigitalTwin.from_dict(ROOM)
    assert DigitalTwin.from_dict(twin.to_dict()) == twin


def test_the_metadata_comes_last_in_the_json_form() -> None:
    assert list(DigitalTwin.from_dict(ROOM).to_dict())[-1] == "$metadata"


def test_the_service_may_say_null_for_ids() -> None:
    twin = DigitalTwin.from_dict({"$dtId": None, "$etag": None, "$metadata": {"$model": "dtmi:example:Room;1"}})
    assert (twin.id, twin.etag) == ("", "")


def test_properties_are_read_straight_from_a_twin() -> None:
    twin = DigitalTwin(model_id="dtmi:example:Room;1", properties={"temperature": 21.5})
    assert twin["temperature"] == 21.5
    assert "temperature" in twin
    assert "humidity" not in twin
    assert list(twin) == ["temperature"]
    assert twin.get("humidity") is None
    assert twin.get("humidity", 40) == 40


def test_a_property_that_was_never_set_is_absent() -> None:
    with pytest.raises(KeyError, match="humidity"):
        DigitalTwin(model_id="dtmi:example:Room;1")["humidity"]


def test_a_twin_without_properties_is_still_true() -> None:
    assert bool(DigitalTwin(model_id="dtmi:example:Room;1")) is True


def test_twins_are_equal_by_their_values() -> None:
    assert DigitalTwin.from_dict(ROOM) == DigitalTwin.from_dict(copy.deepcopy(ROOM))
    assert DigitalTwin.from_dict(ROOM) != DigitalTwin.from_dict({**ROOM, "$etag": 'W/"2"'})


def test_a_twin_cannot_be_given_another_id() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        DigitalTwin(id="room-1").id = "room-2"  # type: ignore[misc]


def test_the_repr_of_a_twin_leaves_the_metadata_of_properties_out() -> None:
    text = repr(DigitalTwin.from_dict(ROOM))
    assert text.startswith("DigitalTwin(id='room-1', etag='W/\"1\"', model_id='dtmi:example:Room;1', properties={'temp")
    assert "property_metadata" not in text


@pytest.mark.parametrize(
    "value",
    [
        DigitalTwin.from_dict(ROOM),
        Relationship(target_id="room-1", name="contains", properties={"since": "2024-05-01"}),
        Model(id="dtmi:example:Room;1", upload_time=Timestamp("2024-05-01T12:00:00.1234567+00:00")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_can_be_pickled(value: object) -> None:
    assert pickle.loads(pickle.dumps(value)) == value


def test_a_component_always_has_metadata_in_its_json_form() -> None:
    assert Component({"setpoint": 20}).to_dict() == {"setpoint": 20, "$metadata": {}}


def test_a_component_has_the_etag_that_it_is_read_with() -> None:
    assert Component.from_dict({"$metadata": {}}, etag='W/"1"').etag == 'W/"1"'


def test_a_source_time_can_be_given_with_a_twin() -> None:
    twin = DigitalTwin(
        model_id="dtmi:example:Room;1",
        properties={"temperature": 21.5},
        property_metadata={"temperature": PropertyMetadata(source_time=Timestamp("2024-05-01T11:59:58Z"))},
    )
    assert twin.to_dict()["$metadata"] == {
        "$model": "dtmi:example:Room;1",
        "temperature": {"sourceTime": "2024-05-01T11:59:58Z"},
    }


def test_a_relationship_reads_and_writes_its_json_form() -> None:
    data = {
        "$relationshipId": "floor-1-contains-room-1",
        "$etag": 'W/"1"',
        "$sourceId": "floor-1",
        "$relationshipName": "contains",
        "$targetId": "room-1",
        "since": "2024-05-01",
    }
    relationship = Relationship.from_dict(data)
    assert relationship == Relationship(
        id="floor-1-contains-room-1",
        etag='W/"1"',
        source_id="floor-1",
        target_id="room-1",
        name="contains",
        properties={"since": "2024-05-01"},
    )
    assert relationship["since"] == "2024-05-01"
    assert relationship.to_dict() == data


def test_what_a_relationship_does_not_have_is_left_out() -> None:
    assert Relationship(target_id="room-1", name="contains").to_dict() == {
        "$relationshipName": "contains",
        "$targetId": "room-1",
    }


def test_an_incoming_relationship_reads_its_json_form() -> None:
    data = {
        "$relationshipId": "r",
        "$sourceId": "floor-1",
        "$relationshipName": "contains",
        "$relationshipLink": "https://example.com/digitaltwins/floor-1/relationships/r",
    }
    assert IncomingRelationship.from_dict(data) == IncomingRelationship(
        relationship_id="r", source_id="floor-1", name="contains"
    )


def test_a_model_reads_its_json_form() -> None:
    data = {
        "id": "dtmi:example:Room;1",
        "displayName": {"en": "Room"},
        "description": {},
        "decommissioned": True,
        "uploadTime": "2024-05-01T12:00:00.1234567+00:00",
        "model": {"@id": "dtmi:example:Room;1"},
    }
    assert Model.from_dict(data) == Model(
        id="dtmi:example:Room;1",
        display_name={"en": "Room"},
        decommissioned=True,
        upload_time=Timestamp("2024-05-01T12:00:00.1234567+00:00"),
        dtdl_model={"@id": "dtmi:example:Room;1"},
    )
