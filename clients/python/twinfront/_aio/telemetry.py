"""Telemetry."""

# ruff: noqa: ASYNC109  (a call's timeout is a deadline that the server is told; asyncio.timeout tells it nothing)

from datetime import datetime

from twinfront import _telemetry
from twinfront._aio.connection import AsyncConnection
from twinfront._calls import CallMetadata


class AsyncTelemetryMethods(AsyncConnection):
    """The methods that call the TelemetryService."""

    async def publish_telemetry(
        self,
        digital_twin_id: str,
        payload: object,
        *,
        message_id: str | None = None,
        source_time: datetime | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> str:
        """Publishes a telemetry message of a digital twin."""
        call = _telemetry.publish_telemetry(digital_twin_id, payload, message_id=message_id, source_time=source_time)
        return await self._send(self._telemetry_service.PublishTelemetry, call, timeout, metadata)

    async def publish_component_telemetry(
        self,
        digital_twin_id: str,
        component_name: str,
        payload: object,
        *,
        message_id: str | None = None,
        source_time: datetime | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> str:
        """Publishes a telemetry message of a component of a digital twin."""
        call = _telemetry.publish_component_telemetry(
            digital_twin_id, component_name, payload, message_id=message_id, source_time=source_time
        )
        return await self._send(self._telemetry_service.PublishComponentTelemetry, call, timeout, metadata)
