"""`DigitalTwinService`."""

from typing import Any

from twinfront.v1 import digital_twin_service_pb2 as messages
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceServicer
from twinfront_server.upstream import Upstream
from twinfront_server.wire.digital_twin import digital_twin_body, fill_component, fill_digital_twin
from twinfront_server.wire.identifier import if_match, if_none_match, required_id
from twinfront_server.wire.json_patch import json_patch_body
from twinfront_server.wire.representation import wants_json, wants_metadata


class DigitalTwinService(DigitalTwinServiceServicer):
    """Digital twins and their components."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def CreateOrReplaceDigitalTwin(
        self, request: messages.CreateOrReplaceDigitalTwinRequest, context: Any
    ) -> messages.CreateOrReplaceDigitalTwinResponse:
        as_json, metadata = wants_json(request.representation), wants_metadata(request.view)
        twin_id = required_id(request.digital_twin_id, "digital_twin_id")
        answer = await self._upstream.put_digital_twin(
            twin_id,
            digital_twin_body(request.digital_twin, twin_id),
            if_none_match=if_none_match(request.if_none_match),
        )
        response = messages.CreateOrReplaceDigitalTwinResponse(etag=answer.etag)
        fill_digital_twin(response.digital_twin, answer.body, as_json=as_json, metadata=metadata)
        return response

    async def GetDigitalTwin(
        self, request: messages.GetDigitalTwinRequest, context: Any
    ) -> messages.GetDigitalTwinResponse:
        as_json, metadata = wants_json(request.representation), wants_metadata(request.view)
        answer = await self._upstream.get_digital_twin(required_id(request.digital_twin_id, "digital_twin_id"))
        response = messages.GetDigitalTwinResponse(etag=answer.etag)
        fill_digital_twin(response.digital_twin, answer.body, as_json=as_json, metadata=metadata)
        return response

    async def UpdateDigitalTwin(
        self, request: messages.UpdateDigitalTwinRequest, context: Any
    ) -> messages.UpdateDigitalTwinResponse:
        answer = await self._upstream.patch_digital_twin(
            required_id(request.digital_twin_id, "digital_twin_id"),
            json_patch_body(request.patch),
            if_match=if_match(request.if_match),
        )
        return messages.UpdateDigitalTwinResponse(etag=answer.etag)

    async def DeleteDigitalTwin(
        self, request: messages.DeleteDigitalTwinRequest, context: Any
    ) -> messages.DeleteDigitalTwinResponse:
        await self._upstream.delete_digital_twin(
            required_id(request.digital_twin_id, "digital_twin_id"), if_match=if_match(request.if_match)
        )
        return messages.DeleteDigitalTwinResponse()

    async def GetComponent(self, request: messages.GetComponentRequest, context: Any) -> messages.GetComponentResponse:
        as_json, metadata = wants_json(request.representation), wants_metadata(request.view)
        answer = await self._upstream.get_component(
            required_id(request.digital_twin_id, "digital_twin_id"),
            required_id(request.component_name, "component_name"),
        )
        response = messages.GetComponentResponse(etag=answer.etag)
        fill_component(response.component, answer.body, as_json=as_json, metadata=metadata)
        return response

    async def UpdateComponent(
        self, request: messages.UpdateComponentRequest, context: Any
    ) -> messages.UpdateComponentResponse:
        answer = await self._upstream.patch_component(
            required_id(request.digital_twin_id, "digital_twin_id"),
            required_id(request.component_name, "component_name"),
            json_patch_body(request.patch),
            if_match=if_match(request.if_match),
        )
        return messages.UpdateComponentResponse(etag=answer.etag)
