"""`DigitalTwinService`."""

from typing import Any

from twinfront.v1 import digital_twin_service_pb2 as messages
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceServicer
from twinfront_server.call import current_call
from twinfront_server.large_requests import is_large, work
from twinfront_server.settings import Settings
from twinfront_server.upstream import Upstream
from twinfront_server.upstream.pacing import Pace
from twinfront_server.wire.digital_twin import fill_component, fill_digital_twin
from twinfront_server.wire.identifier import if_match, required_id
from twinfront_server.wire.json_patch import json_patch_body
from twinfront_server.wire.merge import merge_of
from twinfront_server.wire.relationships_option import wants_detach
from twinfront_server.wire.representation import wants_json, wants_metadata
from twinfront_server.writes.batch_get import batch_get
from twinfront_server.writes.batch_write import batch_write
from twinfront_server.writes.detach import Detached, detach_and_delete
from twinfront_server.writes.merge import merge_digital_twin
from twinfront_server.writes.replacement import create_or_replace, read_back


class DigitalTwinService(DigitalTwinServiceServicer):
    """Digital twins and their components."""

    def __init__(self, upstream: Upstream, settings: Settings) -> None:
        self._upstream = upstream
        self._concurrency = settings.batch_concurrency
        self._max_response_bytes = settings.max_response_bytes

    async def CreateOrReplaceDigitalTwin(
        self, request: messages.CreateOrReplaceDigitalTwinRequest, context: Any
    ) -> messages.CreateOrReplaceDigitalTwinResponse:
        as_json, metadata = wants_json(request.representation), wants_metadata(request.view)
        twin_id = required_id(request.digital_twin_id, "digital_twin_id")
        answer = await create_or_replace(
            self._upstream,
            twin_id,
            request.digital_twin,
            if_match=request.if_match,
            if_none_match=request.if_none_match,
            large=is_large(),
        )
        if request.if_match:
            answer = await read_back(self._upstream, twin_id, answer)
        response = messages.CreateOrReplaceDigitalTwinResponse(etag=answer.etag)
        fill_digital_twin(response.digital_twin, answer.body, as_json=as_json, metadata=metadata)
        return response

    async def GetDigitalTwin(
        self, request: messages.GetDigitalTwinRequest, context: Any
    ) -> messages.GetDigitalTwinResponse:
        as_json, metadata = wants_json(request.representation), wants_metadata(request.view)
        read = self._upstream.twins.get_shared if request.allow_stale else self._upstream.twins.get
        answer = await read(required_id(request.digital_twin_id, "digital_twin_id"))
        response = messages.GetDigitalTwinResponse(etag=answer.etag)
        fill_digital_twin(response.digital_twin, answer.body, as_json=as_json, metadata=metadata)
        return response

    async def UpdateDigitalTwin(
        self, request: messages.UpdateDigitalTwinRequest, context: Any
    ) -> messages.UpdateDigitalTwinResponse:
        answer = await self._upstream.twins.patch(
            required_id(request.digital_twin_id, "digital_twin_id"),
            await work(lambda: json_patch_body(request.patch), large=is_large()),
            if_match=if_match(request.if_match),
        )
        return messages.UpdateDigitalTwinResponse(etag=answer.etag)

    async def MergeDigitalTwin(
        self, request: messages.MergeDigitalTwinRequest, context: Any
    ) -> messages.MergeDigitalTwinResponse:
        twin_id = required_id(request.digital_twin_id, "digital_twin_id")
        large = is_large()
        given = request.merge if request.HasField("merge") else None
        merge = await work(lambda: merge_of(given, request.merge_json, twin_id), large=large)
        merged = await merge_digital_twin(
            self._upstream, twin_id, merge, if_match=if_match(request.if_match), large=large
        )
        return messages.MergeDigitalTwinResponse(etag=merged.etag, changed=merged.changed)

    async def DeleteDigitalTwin(
        self, request: messages.DeleteDigitalTwinRequest, context: Any
    ) -> messages.DeleteDigitalTwinResponse:
        twin_id, condition = required_id(request.digital_twin_id, "digital_twin_id"), if_match(request.if_match)
        detached = Detached()
        if wants_detach(request.relationships):
            pace = Pace(self._concurrency, current_call().remaining)
            await detach_and_delete(
                self._upstream, twin_id, detached, if_match=condition, pace=pace, concurrency=self._concurrency
            )
        else:
            await self._upstream.twins.delete(twin_id, if_match=condition)
        return messages.DeleteDigitalTwinResponse(
            outgoing_relationships_deleted=detached.outgoing, incoming_relationships_deleted=detached.incoming
        )

    async def GetComponent(self, request: messages.GetComponentRequest, context: Any) -> messages.GetComponentResponse:
        as_json, metadata = wants_json(request.representation), wants_metadata(request.view)
        answer = await self._upstream.twins.get_component(
            required_id(request.digital_twin_id, "digital_twin_id"),
            required_id(request.component_name, "component_name"),
        )
        response = messages.GetComponentResponse(etag=answer.etag)
        fill_component(response.component, answer.body, as_json=as_json, metadata=metadata)
        return response

    async def UpdateComponent(
        self, request: messages.UpdateComponentRequest, context: Any
    ) -> messages.UpdateComponentResponse:
        ids = (
            required_id(request.digital_twin_id, "digital_twin_id"),
            required_id(request.component_name, "component_name"),
        )
        body = await work(lambda: json_patch_body(request.patch), large=is_large())
        answer = await self._upstream.twins.patch_component(*ids, body, if_match=if_match(request.if_match))
        if not request.patch and not answer.etag:  # nothing was written, so the etag is the one that was there
            answer = await self._upstream.twins.get_component(*ids)
        return messages.UpdateComponentResponse(etag=answer.etag)

    async def BatchGetDigitalTwins(
        self, request: messages.BatchGetDigitalTwinsRequest, context: Any
    ) -> messages.BatchGetDigitalTwinsResponse:
        return await batch_get(
            self._upstream, request, concurrency=self._concurrency, max_response_bytes=self._max_response_bytes
        )

    async def BatchWriteDigitalTwins(
        self, request: messages.BatchWriteDigitalTwinsRequest, context: Any
    ) -> messages.BatchWriteDigitalTwinsResponse:
        return await batch_write(
            self._upstream, request.writes, concurrency=self._concurrency, max_response_bytes=self._max_response_bytes
        )
