"""Short ways to write to what is watched."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc.aio

from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1 import model_service_pb2 as models
from twinfront.v1 import relationship_service_pb2 as relationships
from twinfront.v1 import telemetry_service_pb2 as telemetry
from twinfront.v1.json_patch_pb2 import JsonPatchOperation
from twinfront.v1.telemetry_service_pb2_grpc import TelemetryServiceStub

from ..services.building import Building, value


@dataclass(frozen=True)
class Writer:
    """Writes through a channel, with the models of a building uploaded."""

    channel: grpc.aio.Channel
    building: Building

    @classmethod
    async def open(cls, channel: grpc.aio.Channel) -> "Writer":
        return cls(channel, await Building.open(channel))

    async def room(self, digital_twin_id: str, **properties: Any) -> str:
        return await self.building.add_room(digital_twin_id, **properties)

    async def rooms(self, ids: Sequence[str]) -> None:
        for each in ids:
            await self.room(each)

    async def patch(self, digital_twin_id: str, *operations: JsonPatchOperation) -> str:
        return await self.building.patch(digital_twin_id, *operations)

    async def delete(self, digital_twin_id: str) -> None:
        await self.building.twins.DeleteDigitalTwin(twins.DeleteDigitalTwinRequest(digital_twin_id=digital_twin_id))

    async def connect(self, source: str, relationship_id: str, target: str, name: str = "adjacentTo") -> str:
        return await self.building.connect(source, relationship_id, target, name)

    async def patch_relationship(self, source: str, relationship_id: str, *operations: JsonPatchOperation) -> str:
        response = await self.building.relationships.UpdateRelationship(
            relationships.UpdateRelationshipRequest(
                digital_twin_id=source, relationship_id=relationship_id, patch=operations
            )
        )
        return str(response.etag)

    async def disconnect(self, source: str, relationship_id: str) -> None:
        await self.building.relationships.DeleteRelationship(
            relationships.DeleteRelationshipRequest(digital_twin_id=source, relationship_id=relationship_id)
        )

    async def publish(self, digital_twin_id: str, payload: Any, component: str = "") -> None:
        stub = TelemetryServiceStub(self.channel)
        if component:
            await stub.PublishComponentTelemetry(
                telemetry.PublishComponentTelemetryRequest(
                    digital_twin_id=digital_twin_id, component_name=component, payload=value(payload)
                )
            )
        else:
            await stub.PublishTelemetry(
                telemetry.PublishTelemetryRequest(digital_twin_id=digital_twin_id, payload=value(payload))
            )

    async def upload(self, *dtdl_models: str) -> None:
        await self.building.models.CreateModels(models.CreateModelsRequest(dtdl_models=dtdl_models))

    async def decommission(self, model_id: str) -> None:
        await self.building.models.DecommissionModel(models.DecommissionModelRequest(model_id=model_id))

    async def delete_model(self, model_id: str) -> None:
        await self.building.models.DeleteModel(models.DeleteModelRequest(model_id=model_id))
