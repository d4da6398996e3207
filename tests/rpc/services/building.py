"""A building for tests: models, twins and relationships, and short ways to write them."""

import json
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc.aio
import orjson

from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1 import model_service_pb2 as models
from twinfront.v1 import relationship_service_pb2 as relationships
from twinfront.v1.digital_twin_pb2 import Component, DigitalTwin
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront.v1.json_patch_pb2 import JsonPatchOperation
from twinfront.v1.model_service_pb2_grpc import ModelServiceStub
from twinfront.v1.relationship_pb2 import Relationship
from twinfront.v1.relationship_service_pb2_grpc import RelationshipServiceStub
from twinfront.v1.representation_pb2 import Representation
from twinfront.v1.value_pb2 import ObjectValue, Value

if TYPE_CHECKING:
    from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceAsyncStub
    from twinfront.v1.model_service_pb2_grpc import ModelServiceAsyncStub
    from twinfront.v1.relationship_service_pb2_grpc import RelationshipServiceAsyncStub

ROOM, ROOM_2, FLOOR, THERMOSTAT = (
    "dtmi:example:building:Room;1",
    "dtmi:example:building:Room;2",
    "dtmi:example:building:Floor;1",
    "dtmi:example:building:Thermostat;1",
)
_PROPERTIES: list[dict[str, Any]] = [
    {"@type": "Property", "name": "temperature", "schema": "double"},
    {"@type": "Property", "name": "visits", "schema": "long"},
    {"@type": "Property", "name": "occupied", "schema": "boolean"},
    {"@type": "Property", "name": "note", "schema": "string"},
    {
        "@type": "Property",
        "name": "address",
        "schema": {
            "@type": "Object",
            "fields": [{"name": "city", "schema": "string"}, {"name": "number", "schema": "integer"}],
        },
    },
    {
        "@type": "Property",
        "name": "labels",
        "schema": {
            "@type": "Map",
            "mapKey": {"name": "label", "schema": "string"},
            "mapValue": {"name": "text", "schema": "string"},
        },
    },
    {"@type": "Component", "name": "thermostat", "schema": THERMOSTAT},
    {
        "@type": "Relationship",
        "name": "adjacentTo",
        "properties": [{"@type": "Property", "name": "weight", "schema": "double"}],
    },
]


def interface(model_id: str, contents: list[dict[str, Any]], **members: object) -> str:
    """A DTDL interface as JSON text."""
    document = {"@id": model_id, "@type": "Interface", "@context": "dtmi:dtdl:context;3", "contents": contents}
    return json.dumps(document | members)


MODELS = {
    THERMOSTAT: interface(
        THERMOSTAT,
        [
            {"@type": "Property", "name": "setpoint", "schema": "double"},
            {"@type": "Property", "name": "serial", "schema": "long"},
        ],
    ),
    ROOM: interface(ROOM, _PROPERTIES, displayName={"en": "Room", "de": "Raum"}, description="A room."),
    ROOM_2: interface(ROOM_2, [*_PROPERTIES, {"@type": "Property", "name": "area", "schema": "double"}]),
    FLOOR: interface(
        FLOOR,
        [
            {"@type": "Property", "name": "level", "schema": "integer"},
            {"@type": "Relationship", "name": "contains", "target": ROOM},
        ],
    ),
}


@dataclass(frozen=True)
class Building:
    """The three services, with the models of a building uploaded."""

    twins: "DigitalTwinServiceAsyncStub"
    relationships: "RelationshipServiceAsyncStub"
    models: "ModelServiceAsyncStub"

    @classmethod
    def at(cls, channel: grpc.aio.Channel) -> "Building":
        """The building of a server that has its models already."""
        return cls(DigitalTwinServiceStub(channel), RelationshipServiceStub(channel), ModelServiceStub(channel))

    @classmethod
    async def open(cls, channel: grpc.aio.Channel) -> "Building":
        building = cls.at(channel)
        await building.models.CreateModels(models.CreateModelsRequest(dtdl_models=MODELS.values()))
        return building

    async def add_room(self, digital_twin_id: str, **properties: Any) -> str:
        """Creates a room and returns its etag."""
        request = twins.CreateOrReplaceDigitalTwinRequest(
            digital_twin_id=digital_twin_id, digital_twin=room(**properties)
        )
        response = await self.twins.CreateOrReplaceDigitalTwin(request)
        return str(response.etag)

    async def add_floor(self, digital_twin_id: str) -> None:
        floor = DigitalTwin(model_id=FLOOR, properties={"level": Value(int_value=1)})
        await self.twins.CreateOrReplaceDigitalTwin(
            twins.CreateOrReplaceDigitalTwinRequest(digital_twin_id=digital_twin_id, digital_twin=floor)
        )

    async def connect(self, source: str, relationship_id: str, target: str, name: str = "adjacentTo") -> str:
        """Creates a relationship and returns its etag."""
        response = await self.relationships.CreateOrReplaceRelationship(
            relationships.CreateOrReplaceRelationshipRequest(
                digital_twin_id=source,
                relationship_id=relationship_id,
                relationship=Relationship(name=name, target_id=target),
            )
        )
        return str(response.etag)

    def put(self, twin: DigitalTwin) -> Awaitable[Any]:
        """Creates or replaces the twin `room`."""
        return self.twins.CreateOrReplaceDigitalTwin(
            twins.CreateOrReplaceDigitalTwinRequest(digital_twin_id="room", digital_twin=twin)
        )

    def put_json(self, **members: object) -> Awaitable[Any]:
        """Creates or replaces the twin `room` in JSON."""
        document = {"$metadata": {"$model": ROOM}, "thermostat": {"$metadata": {}}} | members
        return self.put(DigitalTwin(json=orjson.dumps(document)))

    async def read(self, digital_twin_id: str) -> DigitalTwin:
        response = await self.twins.GetDigitalTwin(twins.GetDigitalTwinRequest(digital_twin_id=digital_twin_id))
        return DigitalTwin.FromString(response.digital_twin.SerializeToString())

    async def read_json(self, digital_twin_id: str) -> dict[str, Any]:
        request = twins.GetDigitalTwinRequest(
            digital_twin_id=digital_twin_id, representation=Representation.REPRESENTATION_JSON
        )
        response = await self.twins.GetDigitalTwin(request)
        document: dict[str, Any] = orjson.loads(response.digital_twin.json)
        return document

    async def patch(self, digital_twin_id: str, *operations: JsonPatchOperation, if_match: str = "") -> str:
        """Patches a twin and returns its new etag."""
        request = twins.UpdateDigitalTwinRequest(digital_twin_id=digital_twin_id, patch=operations, if_match=if_match)
        return str((await self.twins.UpdateDigitalTwin(request)).etag)


def value(item: Any) -> Value:
    """A `Value` of a plain one."""
    match item:
        case bool():
            return Value(bool_value=item)
        case int():
            return Value(int_value=item)
        case float():
            return Value(double_value=item)
        case str():
            return Value(string_value=item)
        case dict():
            return Value(object_value=ObjectValue(fields={name: value(member) for name, member in item.items()}))
    raise TypeError(item)


def room(model_id: str = ROOM, **properties: Any) -> DigitalTwin:
    """A room with its thermostat."""
    return DigitalTwin(
        model_id=model_id,
        properties={name: value(item) for name, item in properties.items()},
        components={"thermostat": Component(properties={"setpoint": value(20.0)})},
    )


def add(path: str, item: Any) -> JsonPatchOperation:
    return JsonPatchOperation(op=JsonPatchOperation.OP_ADD, path=path, value=value(item))


def replace(path: str, item: Any) -> JsonPatchOperation:
    return JsonPatchOperation(op=JsonPatchOperation.OP_REPLACE, path=path, value=value(item))


def remove(path: str) -> JsonPatchOperation:
    return JsonPatchOperation(op=JsonPatchOperation.OP_REMOVE, path=path)
