"""Operations on event routes."""

from azure.digitaltwins.core import DigitalTwinsEventRoute
from azure.digitaltwins.core.aio import DigitalTwinsClient

from twinfront_server.adt.answer import Answer, Page
from twinfront_server.adt.body import Body
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.sdk_reads import SdkReads
from twinfront_server.upstream.writing import Writing


class EventRoutes:
    """Operations on event routes."""

    def __init__(self, sdk: DigitalTwinsClient, reads: SdkReads, writing: Writing) -> None:
        self._sdk = sdk
        self._reads = reads
        self._write = writing.write

    async def put(self, event_route_id: str, body: Body) -> None:
        """Creates or replaces an event route."""
        asked = Asked(operations.PUT_EVENT_ROUTE, {"event_route_id": event_route_id}, body)
        placeholder = DigitalTwinsEventRoute(endpoint_name="", filter="")
        await self._write(asked, self._sdk.upsert_event_route, event_route_id, placeholder)

    async def get(self, event_route_id: str) -> Answer:
        """Reads an event route."""
        return await self._reads.event_route(event_route_id)

    async def list(self, link: str) -> Page:
        """Reads one page of event routes."""
        return await self._reads.event_routes(link)

    async def delete(self, event_route_id: str) -> None:
        """Deletes an event route."""
        asked = Asked(operations.DELETE_EVENT_ROUTE, {"event_route_id": event_route_id})
        await self._write(asked, self._sdk.delete_event_route, event_route_id)
