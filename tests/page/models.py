"""Models to try the page's sections on."""

from typing import Any

PREFIX = "dtmi:twinfront:page"


def interface(name: str, *contents: dict[str, Any], version: int = 1) -> dict[str, Any]:
    return {
        "@context": "dtmi:dtdl:context;3",
        "@id": model_id(name, version),
        "@type": "Interface",
        "contents": list(contents),
    }


def model_id(name: str, version: int = 1) -> str:
    return f"{PREFIX}:{name};{version}"


def plain(name: str, schema: Any = "double") -> dict[str, Any]:
    return {"@type": "Property", "name": name, "schema": schema}


def component(name: str, schema: str) -> dict[str, Any]:
    return {"@type": "Component", "name": name, "schema": schema}


def relationship(name: str, *properties: dict[str, Any]) -> dict[str, Any]:
    return {"@type": "Relationship", "name": name, "properties": list(properties)}


SIZE = {
    "@type": "Object",
    "fields": [{"name": "width", "schema": "double"}, {"name": "length", "schema": "double"}],
}

THERMOSTAT = interface("Thermostat", plain("setpoint"), plain("mode", "string"))

_ROOM = (
    plain("name", "string"),
    plain("temperature"),
    plain("humidity"),
    plain("visitors", "integer"),
    plain("size", SIZE),
    relationship("adjacentTo", plain("door", "boolean")),
)

ROOM = {**interface("Room", *_ROOM), "displayName": "A room"}
ROOM_WITH_THERMOSTAT = interface("ControlledRoom", *_ROOM, component("thermostat", THERMOSTAT["@id"]))

MODELS = [THERMOSTAT, ROOM, ROOM_WITH_THERMOSTAT]
