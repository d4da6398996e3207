"""Operations on telemetry."""

from twinfront_server.adt.body import Body
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.sdk_calls import SdkCalls


class Telemetry(SdkCalls):
    """Operations on telemetry.

    The SDK's public methods make up the source time themselves, so these are its generated ones.
    """

    async def publish_telemetry(self, digital_twin_id: str, body: Body, *, message_id: str, source_time: str) -> None:
        """Publishes a message of a digital twin; `source_time` is RFC 3339."""
        await self._call(
            Asked(operations.PUBLISH_TELEMETRY, {"digital_twin_id": digital_twin_id, "message_id": message_id}, body),
            self._sdk._client.digital_twins.send_telemetry,  # noqa: SLF001  (the public method makes up the source time)
            digital_twin_id,
            message_id,
            {},
            telemetry_source_time=source_time,
        )

    async def publish_component_telemetry(
        self, digital_twin_id: str, component_name: str, body: Body, *, message_id: str, source_time: str
    ) -> None:
        """Publishes a message of a component; `source_time` is RFC 3339."""
        ids = {"digital_twin_id": digital_twin_id, "component_name": component_name, "message_id": message_id}
        await self._call(
            Asked(operations.PUBLISH_COMPONENT_TELEMETRY, ids, body),
            self._sdk._client.digital_twins.send_component_telemetry,  # noqa: SLF001  (the public method makes up the source time)
            digital_twin_id,
            component_name,
            message_id,
            {},
            telemetry_source_time=source_time,
        )
