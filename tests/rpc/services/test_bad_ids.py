"""Whatever callers send: the right code, and the field that is wrong by its name. Here: ids."""

from collections.abc import Callable
from typing import Any

import grpc.aio
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from tests.contract_services import METHODS

from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1 import model_service_pb2 as models
from twinfront.v1 import relationship_service_pb2 as relationships
from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.relationship_pb2 import Relationship
from twinfront_server.wire.resource import ID_FIELDS

from .building import ROOM, Building, add, room
from .refusal import refused_field

Called = Callable[[Building, str], Any]
BAD_IDS = ["", ".", "..", "a/b", "/", "a\\b", "a?b", "a#b", "a\x00b", "a\nb", "a\x7fb", "x" * 129, "x" * 3000, "$a"]
BY_TWIN_ID: dict[str, Called] = {
    "CreateOrReplaceDigitalTwin": lambda b, i: b.twins.CreateOrReplaceDigitalTwin(
        twins.CreateOrReplaceDigitalTwinRequest(digital_twin_id=i, digital_twin=room())
    ),
    "GetDigitalTwin": lambda b, i: b.twins.GetDigitalTwin(twins.GetDigitalTwinRequest(digital_twin_id=i)),
    "UpdateDigitalTwin": lambda b, i: b.twins.UpdateDigitalTwin(
        twins.UpdateDigitalTwinRequest(digital_twin_id=i, patch=[add("/temperature", 1.0)])
    ),
    "MergeDigitalTwin": lambda b, i: b.twins.MergeDigitalTwin(
        twins.MergeDigitalTwinRequest(digital_twin_id=i, merge_json=b'{"temperature":1.0}')
    ),
    "DeleteDigitalTwin": lambda b, i: b.twins.DeleteDigitalTwin(twins.DeleteDigitalTwinRequest(digital_twin_id=i)),
    "DeleteDigitalTwin, detaching": lambda b, i: b.twins.DeleteDigitalTwin(
        twins.DeleteDigitalTwinRequest(digital_twin_id=i, relationships=twins.Relationships.RELATIONSHIPS_DETACH)
    ),
    "GetComponent": lambda b, i: b.twins.GetComponent(
        twins.GetComponentRequest(digital_twin_id=i, component_name="thermostat")
    ),
    "UpdateComponent": lambda b, i: b.twins.UpdateComponent(
        twins.UpdateComponentRequest(digital_twin_id=i, component_name="thermostat", patch=[add("/setpoint", 1.0)])
    ),
    "CreateOrReplaceRelationship": lambda b, i: b.relationships.CreateOrReplaceRelationship(
        relationships.CreateOrReplaceRelationshipRequest(
            digital_twin_id=i,
            relationship_id="r",
            relationship=Relationship(name="adjacentTo", target_id="a"),
        )
    ),
    "GetRelationship": lambda b, i: b.relationships.GetRelationship(
        relationships.GetRelationshipRequest(digital_twin_id=i, relationship_id="r")
    ),
    "UpdateRelationship": lambda b, i: b.relationships.UpdateRelationship(
        relationships.UpdateRelationshipRequest(digital_twin_id=i, relationship_id="r", patch=[add("/weight", 1.0)])
    ),
    "DeleteRelationship": lambda b, i: b.relationships.DeleteRelationship(
        relationships.DeleteRelationshipRequest(digital_twin_id=i, relationship_id="r")
    ),
    "ListRelationships": lambda b, i: b.relationships.ListRelationships(
        relationships.ListRelationshipsRequest(digital_twin_id=i)
    ),
    "ListIncomingRelationships": lambda b, i: b.relationships.ListIncomingRelationships(
        relationships.ListIncomingRelationshipsRequest(digital_twin_id=i)
    ),
}
BY_RELATIONSHIP_ID: dict[str, Called] = {
    "CreateOrReplaceRelationship": lambda b, i: b.relationships.CreateOrReplaceRelationship(
        relationships.CreateOrReplaceRelationshipRequest(
            digital_twin_id="a",
            relationship_id=i,
            relationship=Relationship(name="adjacentTo", target_id="b"),
        )
    ),
    "GetRelationship": lambda b, i: b.relationships.GetRelationship(
        relationships.GetRelationshipRequest(digital_twin_id="a", relationship_id=i)
    ),
    "UpdateRelationship": lambda b, i: b.relationships.UpdateRelationship(
        relationships.UpdateRelationshipRequest(digital_twin_id="a", relationship_id=i, patch=[add("/weight", 1.0)])
    ),
    "DeleteRelationship": lambda b, i: b.relationships.DeleteRelationship(
        relationships.DeleteRelationshipRequest(digital_twin_id="a", relationship_id=i)
    ),
}
BY_MODEL_ID: dict[str, Called] = {
    "GetModel": lambda b, i: b.models.GetModel(models.GetModelRequest(model_id=i)),
    "DecommissionModel": lambda b, i: b.models.DecommissionModel(models.DecommissionModelRequest(model_id=i)),
    "DeleteModel": lambda b, i: b.models.DeleteModel(models.DeleteModelRequest(model_id=i)),
}


@pytest.mark.parametrize("rpc", BY_TWIN_ID)
async def test_bad_twin_ids(building: Building, rpc: str):
    for identifier in BAD_IDS:
        assert await refused_field(BY_TWIN_ID[rpc](building, identifier)) == "digital_twin_id", identifier


@pytest.mark.parametrize("rpc", BY_RELATIONSHIP_ID)
async def test_bad_relationship_ids(building: Building, rpc: str):
    await building.add_room("a")
    await building.add_room("b")
    for identifier in BAD_IDS:
        field = await refused_field(BY_RELATIONSHIP_ID[rpc](building, identifier))
        assert field == "relationship_id", identifier


@pytest.mark.parametrize("rpc", BY_MODEL_ID)
@pytest.mark.parametrize("identifier", ["", ".", "room", "dtmi:", "dtmi:a b;1", "dtmi:a;0", "dtmi:a/b;1", "x" * 3000])
async def test_bad_model_ids(building: Building, rpc: str, identifier: str):
    assert await refused_field(BY_MODEL_ID[rpc](building, identifier)) == "model_id"


@pytest.mark.parametrize("identifier", ["", "room", "dtmi:a b;1"])
async def test_bad_model_ids_in_a_list(building: Building, identifier: str):
    request = models.ListModelsRequest(dependencies_for=[ROOM, identifier])
    assert await refused_field(building.models.ListModels(request)) == "dependencies_for[1]"


@pytest.mark.parametrize("name", ["", ".", "..", "a\nb", "x" * 3000])
async def test_bad_component_names(building: Building, name: str):
    await building.add_room("room")
    get = twins.GetComponentRequest(digital_twin_id="room", component_name=name)
    update = twins.UpdateComponentRequest(digital_twin_id="room", component_name=name)
    assert await refused_field(building.twins.GetComponent(get)) == "component_name"
    assert await refused_field(building.twins.UpdateComponent(update)) == "component_name"


async def test_an_id_inside_the_resource_that_is_not_the_request_s(building: Building):
    assert await refused_field(building.put(DigitalTwin(id="other", model_id=ROOM))) == "digital_twin.id"
    assert await refused_field(building.put_json(**{"$dtId": "other"})) == "digital_twin.json"
    request = relationships.CreateOrReplaceRelationshipRequest(
        digital_twin_id="a",
        relationship_id="r",
        relationship=Relationship(source_id="b", name="adjacentTo", target_id="c"),
    )
    field = await refused_field(building.relationships.CreateOrReplaceRelationship(request))
    assert field == "relationship.source_id"


def _ids_of(method: MethodDescriptor) -> list[str]:
    return [field.name for field in method.input_type.fields if field.name in ID_FIELDS]


@pytest.mark.parametrize(
    ("method", "field"),
    [
        pytest.param(method, field, id=f"{method.name}-{field}")
        for method in METHODS
        if not method.client_streaming and not method.server_streaming
        for field in _ids_of(method)
    ],
)
async def test_each_id_of_each_request_is_refused_by_its_name(
    channel: grpc.aio.Channel, method: MethodDescriptor, field: str
):
    request = GetMessageClass(method.input_type)()
    for name in _ids_of(method):
        setattr(request, name, "a\nb" if name == field else "dtmi:a;1" if name == "model_id" else "room")
    call: grpc.aio.UnaryUnaryMultiCallable[Message, Message] = channel.unary_unary(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )
    assert await refused_field(call(request)) == field
