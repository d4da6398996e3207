"""`TelemetryService`."""

from typing import Any

from twinfront.v1 import telemetry_service_pb2 as messages
from twinfront.v1.telemetry_service_pb2_grpc import TelemetryServiceServicer
from twinfront_server.large_requests import is_large, work
from twinfront_server.upstream import Upstream
from twinfront_server.wire.identifier import required_id
from twinfront_server.wire.telemetry import message_id, source_time, telemetry_body


class TelemetryService(TelemetryServiceServicer):
    """Telemetry of digital twins and their components."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def PublishTelemetry(
        self, request: messages.PublishTelemetryRequest, context: Any
    ) -> messages.PublishTelemetryResponse:
        identifier = message_id(request.message_id)
        await self._upstream.telemetry.publish(
            required_id(request.digital_twin_id, "digital_twin_id"),
            await work(lambda: telemetry_body(request), large=is_large()),
            message_id=identifier,
            source_time=source_time(request),
        )
        return messages.PublishTelemetryResponse(message_id=identifier)

    async def PublishComponentTelemetry(
        self, request: messages.PublishComponentTelemetryRequest, context: Any
    ) -> messages.PublishComponentTelemetryResponse:
        identifier = message_id(request.message_id)
        await self._upstream.telemetry.publish_component(
            required_id(request.digital_twin_id, "digital_twin_id"),
            required_id(request.component_name, "component_name"),
            await work(lambda: telemetry_body(request), large=is_large()),
            message_id=identifier,
            source_time=source_time(request),
        )
        return messages.PublishComponentTelemetryResponse(message_id=identifier)
