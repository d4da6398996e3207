"""Operations on event routes."""

from azure.digitaltwins.core import DigitalTwinsEventRoute

from twinfront_server.adt.answer import Answer, Page
from twinfront_server.adt.body import Body
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.sdk_calls import SdkCalls


class EventRoutes(SdkCalls):
    """Operations on event routes."""

    async def put_event_route(self, event_route_id: str, body: Body) -> None:
        """Creates or replaces an event route."""
        await self._call(
            Asked(operations.PUT_EVENT_ROUTE, {"event_route_id": event_route_id}, body),
            self._sdk.upsert_event_route,
            event_route_id,
            DigitalTwinsEventRoute(endpoint_name="", filter=""),
        )

    async def get_event_route(self, event_route_id: str) -> Answer:
        """Reads an event route."""
        asked = Asked(operations.GET_EVENT_ROUTE, {"event_route_id": event_route_id})
        return await self._call(asked, self._sdk.get_event_route, event_route_id)

    async def list_event_routes(self, link: str) -> Page:
        """One page of event routes."""
        return await self._list(Asked(operations.LIST_EVENT_ROUTES), link, self._sdk.list_event_routes)

    async def delete_event_route(self, event_route_id: str) -> None:
        """Deletes an event route."""
        asked = Asked(operations.DELETE_EVENT_ROUTE, {"event_route_id": event_route_id})
        await self._call(asked, self._sdk.delete_event_route, event_route_id)
