"""Operations on telemetry, of twins within the scope of the call."""

from azure.digitaltwins.core.aio import DigitalTwinsClient

from twinfront_server.adt.body import Body
from twinfront_server.upstream.resources.telemetry import Telemetry
from twinfront_server.upstream.scoped.boundary import Boundary
from twinfront_server.upstream.writing import Writing


class ScopedTelemetry(Telemetry):
    """Operations on telemetry of the twins that lie within the scope of the call."""

    def __init__(self, sdk: DigitalTwinsClient, writing: Writing, boundary: Boundary) -> None:
        super().__init__(sdk, writing)
        self._boundary = boundary

    async def publish(self, digital_twin_id: str, body: Body, *, message_id: str, source_time: str) -> None:
        """Publishes a message of a digital twin; `source_time` is RFC 3339."""
        await self._boundary.require_twin(digital_twin_id)
        await super().publish(digital_twin_id, body, message_id=message_id, source_time=source_time)

    async def publish_component(
        self, digital_twin_id: str, component_name: str, body: Body, *, message_id: str, source_time: str
    ) -> None:
        """Publishes a message of a component; `source_time` is RFC 3339."""
        await self._boundary.require_twin(digital_twin_id)
        await super().publish_component(
            digital_twin_id, component_name, body, message_id=message_id, source_time=source_time
        )
