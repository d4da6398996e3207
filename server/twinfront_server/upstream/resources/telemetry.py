"""Operations on telemetry."""

from azure.digitaltwins.core.aio import DigitalTwinsClient

from twinfront_server.adt.body import Body
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.writing import Writing


class Telemetry:
    """Operations on telemetry.

    The SDK's public methods make up the source time themselves, so these are its generated ones.
    """

    def __init__(self, sdk: DigitalTwinsClient, writing: Writing) -> None:
        self._twins = sdk._client.digital_twins  # noqa: SLF001  (the public methods make up the source time)
        self._write = writing.write

    async def publish(self, digital_twin_id: str, body: Body, *, message_id: str, source_time: str) -> None:
        """Publishes a message of a digital twin; `source_time` is RFC 3339."""
        ids = {"digital_twin_id": digital_twin_id, "message_id": message_id}
        asked = Asked(operations.PUBLISH_TELEMETRY, ids, body)
        await self._write(asked, self._twins.send_telemetry, *ids.values(), {}, telemetry_source_time=source_time)

    async def publish_component(
        self, digital_twin_id: str, component_name: str, body: Body, *, message_id: str, source_time: str
    ) -> None:
        """Publishes a message of a component; `source_time` is RFC 3339."""
        ids = {"digital_twin_id": digital_twin_id, "component_name": component_name, "message_id": message_id}
        asked = Asked(operations.PUBLISH_COMPONENT_TELEMETRY, ids, body)
        await self._write(
            asked, self._twins.send_component_telemetry, *ids.values(), {}, telemetry_source_time=source_time
        )
