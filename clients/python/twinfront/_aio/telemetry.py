"""Telemetry."""

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
        """Publishes a telemetry message of a digital twin.

        Args:
            digital_twin_id: The twin's id.
            payload: The message: what JSON can hold.
            message_id: The id by which receivers recognise a message that they got twice; a new UUID by default.
            source_time: When what it tells was observed, with its time zone; now by default.
            timeout: Seconds; 60 by default.
            metadata: Further request metadata.

        Returns:
            The message's id.

        Raises:
            TwinNotFoundError: No such twin.
            OutcomeUnknownError: The answer was lost; the message may have been published.
        """
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
        """Publishes a telemetry message of a component of a digital twin.

        Args:
            digital_twin_id: The twin's id.
            component_name: The component's name in the twin's model.
            payload: The message: what JSON can hold.
            message_id: The id by which receivers recognise a message that they got twice; a new UUID by default.
            source_time: When what it tells was observed, with its time zone; now by default.
            timeout: Seconds; 60 by default.
            metadata: Further request metadata.

        Returns:
            The message's id.

        Raises:
            TwinNotFoundError: No such twin.
            ComponentNotFoundError: The twin has no such component.
            OutcomeUnknownError: The answer was lost; the message may have been published.
        """
        call = _telemetry.publish_component_telemetry(
            digital_twin_id, component_name, payload, message_id=message_id, source_time=source_time
        )
        return await self._send(self._telemetry_service.PublishComponentTelemetry, call, timeout, metadata)
