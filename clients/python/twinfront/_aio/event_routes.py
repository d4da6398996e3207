"""Event routes."""

# ruff: noqa: ASYNC109  (a call's timeout is a deadline that the server is told; asyncio.timeout tells it nothing)

from twinfront import _event_routes
from twinfront._aio.connection import AsyncConnection
from twinfront._calls import CallMetadata
from twinfront._event_routes import EventRoute
from twinfront._pages import AsyncPager


class AsyncEventRouteMethods(AsyncConnection):
    """The methods that call the EventRouteService."""

    async def create_or_replace_event_route(
        self,
        event_route_id: str,
        event_route: EventRoute,
        *,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> None:
        """Creates an event route, or replaces the one of that id."""
        call = _event_routes.create_or_replace_event_route(event_route_id, event_route)
        await self._send(self._event_route_service.CreateOrReplaceEventRoute, call, timeout, metadata)

    async def get_event_route(
        self,
        event_route_id: str,
        *,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> EventRoute:
        """Reads an event route."""
        call = _event_routes.get_event_route(event_route_id)
        return await self._send(self._event_route_service.GetEventRoute, call, timeout, metadata)

    def list_event_routes(
        self,
        *,
        page_size: int | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> AsyncPager[EventRoute]:
        """Lists event routes."""
        return AsyncPager(
            lambda page_token: self._send(
                self._event_route_service.ListEventRoutes,
                _event_routes.list_event_routes(page_size=page_size, page_token=page_token),
                timeout,
                metadata,
            )
        )

    async def delete_event_route(
        self,
        event_route_id: str,
        *,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> None:
        """Deletes an event route."""
        call = _event_routes.delete_event_route(event_route_id)
        await self._send(self._event_route_service.DeleteEventRoute, call, timeout, metadata)
