"""Every write there is, as it succeeds in a furnished building, and as it is refused."""

from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
import orjson

from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1 import model_service_pb2 as models
from twinfront.v1 import relationship_service_pb2 as relationships
from twinfront.v1.relationship_pb2 import Relationship
from twinfront.v1.representation_pb2 import Representation
from twinfront.v1.value_pb2 import ObjectValue

from .building import MODELS, ROOM, ROOM_2, THERMOSTAT, Building, interface, replace, room, value

JSON = Representation.REPRESENTATION_JSON
STALE = 'W/"00000000-0000-0000-0000-000000000000"'
PUMP = interface("dtmi:example:building:Pump;1", [])
EDGE = Relationship(name="contains", target_id="room")


@dataclass(frozen=True)
class Write:
    """A write: which stub of the building, which method, and its request."""

    stub: str
    method: str
    request: Any

    async def run(self, building: Building, **fields: object) -> Any:
        """Carries it out, with other values in some fields of the request."""
        request = type(self.request)()
        request.CopyFrom(self.request)
        for name, item in fields.items():
            setattr(request, name, item)
        return await getattr(getattr(building, self.stub), self.method)(request)


def twin(method: str, **fields: Any) -> Write:
    request: Any = getattr(twins, f"{method}Request")
    return Write("twins", method, request(**{"digital_twin_id": "room"} | fields))


def batch(*writes: twins.DigitalTwinWrite) -> Write:
    return Write("twins", "BatchWriteDigitalTwins", twins.BatchWriteDigitalTwinsRequest(writes=writes))


def relationship(method: str, relationship_id: str, **fields: Any) -> Write:
    request: Any = getattr(relationships, f"{method}Request")
    fields = {"digital_twin_id": "floor", "relationship_id": relationship_id} | fields
    return Write("relationships", method, request(**fields))


def model(method: str, **fields: Any) -> Write:
    request: Any = getattr(models, f"{method}Request")
    return Write("models", method, request(**fields))


DETACH = twins.Relationships.RELATIONSHIPS_DETACH
WARMER = replace("/temperature", 22.0)
MERGE = ObjectValue(fields={"temperature": value(22.0), "address": value({"city": "Bonn"})})

DONE = {
    "create a twin": twin("CreateOrReplaceDigitalTwin", digital_twin_id="new", digital_twin=room(), if_none_match="*"),
    "replace a twin, as JSON": twin(
        "CreateOrReplaceDigitalTwin", digital_twin=room(temperature=1.0), representation=JSON
    ),
    "replace a twin that exists": twin("CreateOrReplaceDigitalTwin", digital_twin=room(note="x"), if_match="*"),
    "patch a twin": twin("UpdateDigitalTwin", patch=[WARMER], if_match="*"),
    "merge into a twin": twin("MergeDigitalTwin", merge=MERGE),
    "delete a twin": twin("DeleteDigitalTwin", digital_twin_id="lonely"),
    "detach and delete a twin": twin("DeleteDigitalTwin", relationships=DETACH),
    "patch a component": twin("UpdateComponent", component_name="thermostat", patch=[replace("/setpoint", 19.0)]),
    "write a batch": batch(
        twins.DigitalTwinWrite(digital_twin_id="new", create_or_replace=room()),
        twins.DigitalTwinWrite(digital_twin_id="room", patch=twins.DigitalTwinWrite.Patch(operations=[WARMER])),
        twins.DigitalTwinWrite(digital_twin_id="nobody", delete=twins.DigitalTwinWrite.Delete()),
    ),
    "create a relationship": relationship("CreateOrReplaceRelationship", "new", relationship=EDGE),
    "replace a relationship, as JSON": relationship(
        "CreateOrReplaceRelationship", "old", relationship=EDGE, representation=JSON
    ),
    "patch a relationship": relationship("UpdateRelationship", "old"),
    "delete a relationship": relationship("DeleteRelationship", "old"),
    "create models": model("CreateModels", dtdl_models=[PUMP]),
    "decommission a model": model("DecommissionModel", model_id=ROOM_2),
    "delete a model": model("DeleteModel", model_id=ROOM_2),
}
REFUSED = {
    "a twin that exists": (
        twin("CreateOrReplaceDigitalTwin", digital_twin=room(), if_none_match="*"),
        "TWIN_ALREADY_EXISTS",
    ),
    "a stale etag": (twin("UpdateDigitalTwin", patch=[WARMER], if_match=STALE), "ETAG_MISMATCH"),
    "a replacement under a stale etag": (
        twin("CreateOrReplaceDigitalTwin", digital_twin=room(), if_match=STALE),
        "ETAG_MISMATCH",
    ),
    "a twin that does not fit its model": (
        twin("UpdateDigitalTwin", patch=[replace("/temperature", "warm")]),
        "VALIDATION_FAILED",
    ),
    "a merge into nobody": (twin("MergeDigitalTwin", digital_twin_id="nobody", merge=MERGE), "TWIN_NOT_FOUND"),
    "a twin with relationships": (twin("DeleteDigitalTwin"), "TWIN_HAS_RELATIONSHIPS"),
    "a component that is not there": (
        twin("UpdateComponent", component_name="heater"),
        "COMPONENT_NOT_FOUND",
    ),
    "a target that is not there": (
        relationship(
            "CreateOrReplaceRelationship", "new", relationship=Relationship(name="contains", target_id="nobody")
        ),
        "TARGET_TWIN_NOT_FOUND",
    ),
    "a relationship that is not there": (relationship("DeleteRelationship", "nope"), "RELATIONSHIP_NOT_FOUND"),
    "a model that exists": (model("CreateModels", dtdl_models=[PUMP, MODELS[ROOM]]), "MODEL_ALREADY_EXISTS"),
    "a model that others need": (model("DeleteModel", model_id=THERMOSTAT), "MODEL_HAS_DEPENDENTS"),
    "an id that is none": (twin("DeleteDigitalTwin", digital_twin_id=""), "INVALID_ARGUMENT"),
}


async def furnish(building: Building) -> None:
    """The twins floor, room and lonely, and the relationship `old` from the floor to the room."""
    await building.add_floor("floor")
    await building.add_room("room", temperature=20.5)
    await building.add_room("lonely")
    await building.connect("floor", "old", "room", name="contains")


async def state(building: Building) -> dict[str, Any]:
    """All that is stored, etags and times included."""
    stored: dict[str, Any] = {}
    for twin_id in ("floor", "room", "lonely", "new"):
        try:
            stored[twin_id] = await building.read_json(twin_id)
        except grpc.aio.AioRpcError as error:
            assert error.code() is grpc.StatusCode.NOT_FOUND  # noqa: PT017
            continue
        listed = await building.relationships.ListRelationships(
            relationships.ListRelationshipsRequest(digital_twin_id=twin_id, representation=JSON)
        )
        stored[f"{twin_id}/relationships"] = [orjson.loads(item.json) for item in listed.relationships]
    listing = models.ListModelsRequest(include_model_definition=True, representation=JSON)
    stored["models"] = [orjson.loads(item.json) for item in (await building.models.ListModels(listing)).models]
    return stored
