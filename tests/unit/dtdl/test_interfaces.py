"""What parse and load answer."""

from typing import Any

import pytest

from localtwins.dtdl import (
    ArraySchema,
    Component,
    EnumSchema,
    Geospatial,
    Interface,
    MapSchema,
    ObjectSchema,
    Primitive,
    Property,
    Telemetry,
    load,
    parse,
)

SENSOR: dict[str, Any] = {
    "@context": "dtmi:dtdl:context;3",
    "@id": "dtmi:example:Sensor;1",
    "@type": "Interface",
}
BASE: dict[str, Any] = {
    "@context": "dtmi:dtdl:context;2",
    "@id": "dtmi:example:Base;1",
    "@type": "Interface",
    "contents": [
        {"@type": "Property", "name": "label", "schema": "string"},
        {
            "@type": "Relationship",
            "name": "contains",
            "properties": {"@type": "Property", "name": "since", "schema": "date"},
        },
    ],
}
ROOM: dict[str, Any] = {
    "@context": ["dtmi:dtdl:context;3", "dtmi:dtdl:extension:quantitativeTypes;1"],
    "@id": "dtmi:example:Room;2",
    "@type": ["Interface"],
    "displayName": ["Room", {"@value": "Raum", "@language": "de"}],
    "description": {"en": "a room"},
    "extends": ["dtmi:example:Base;1"],
    "contents": [
        {"@type": "Property", "name": {"@value": "mode"}, "schema": "dtmi:example:Room:mode;2"},
        {"@type": "Property", "name": "outline", "schema": "dtmi:standard:schema:geospatial:polygon;3"},
        {
            "@type": "Property",
            "name": "address",
            "schema": {
                "@type": "Object",
                "fields": [
                    {"name": "city", "schema": "string"},
                    {"name": "floors", "schema": {"@type": "Array", "elementSchema": "integer"}},
                ],
            },
        },
        {
            "@type": "Property",
            "name": "tags",
            "schema": {
                "@type": "Map",
                "mapKey": {"name": "tag", "schema": "string"},
                "mapValue": {"name": "set", "schema": "dtmi:dtdl:instance:Schema:boolean;3"},
            },
        },
        {"@type": "Property", "name": "displayUnit", "schema": "TemperatureUnit"},
        {"@type": ["Telemetry", "Temperature"], "name": "temperature", "schema": "double", "unit": "kelvin"},
        {"@type": "Component", "name": "sensor", "schema": "dtmi:example:Sensor;1"},
        {"@type": "Command", "name": "reset"},
    ],
    "schemas": {
        "@id": "dtmi:example:Room:mode;2",
        "@type": "Enum",
        "valueSchema": "integer",
        "enumValues": [{"name": "off", "enumValue": 0}, {"name": "on", "enumValue": 1}],
    },
}


@pytest.fixture(params=["parsed", "loaded"])
def room(request: pytest.FixtureRequest):
    if request.param == "parsed":
        return parse([ROOM, BASE, SENSOR])[0]
    return load(ROOM, {"dtmi:example:Base;1": BASE, "dtmi:example:Sensor;1": SENSOR}.get)


def test_interfaces_come_in_the_order_of_the_documents():
    assert [found.id for found in parse([ROOM, SENSOR, BASE])] == [ROOM["@id"], SENSOR["@id"], BASE["@id"]]


def test_what_the_model_says_of_itself(room: Interface):
    assert room.id == "dtmi:example:Room;2"
    assert room.dtdl_version == 3
    assert room.display_name == {"en": "Room", "de": "Raum"}
    assert room.description == {"en": "a room"}


def test_relations_between_models(room: Interface):
    assert room.extends == ("dtmi:example:Base;1",)
    assert room.bases == {"dtmi:example:Room;2", "dtmi:example:Base;1"}
    assert room.dependencies == {"dtmi:example:Base;1", "dtmi:example:Sensor;1"}


def test_contents_include_inherited_ones(room: Interface):
    assert room.properties["label"] == Property("label", Primitive("string"))
    assert room.relationships["contains"].target is None
    assert room.relationships["contains"].properties == {"since": Property("since", Primitive("date"))}
    assert room.telemetries == {"temperature": Telemetry("temperature", Primitive("double"))}
    assert room.components == {"sensor": Component("sensor", "dtmi:example:Sensor;1")}
    assert list(room.commands) == ["reset"]


def test_schemas_of_properties(room: Interface):
    schemas = {name: prop.schema for name, prop in room.properties.items()}

    assert schemas["mode"] == EnumSchema("integer", frozenset([0, 1]))
    assert schemas["outline"] == Geospatial("polygon")
    assert schemas["address"] == ObjectSchema(
        {"city": Primitive("string"), "floors": ArraySchema(Primitive("integer"))}
    )
    assert schemas["tags"] == MapSchema(Primitive("boolean"))
    assert schemas["displayUnit"].conforms("degreeCelsius")


def test_dependencies_are_the_models_own():
    heir = {**SENSOR, "@id": "dtmi:example:Suite;1", "extends": "dtmi:example:Room;2"}

    assert parse([heir, ROOM, BASE, SENSOR])[0].dependencies == {"dtmi:example:Room;2"}


def test_documents_are_left_as_they_were():
    before = repr(ROOM)

    parse([ROOM, BASE, SENSOR])

    assert repr(ROOM) == before


def test_loading_a_model_whose_ancestor_is_gone_says_which():
    with pytest.raises(LookupError, match="dtmi:example:Base;1"):
        load(ROOM)
