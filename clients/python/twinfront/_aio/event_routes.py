"""Event routes."""

from twinfront import _event_routes
from twinfront._aio.connection import AsyncConnection
from twinfront._aio.pages import AsyncPager
from twinfront._calls import CallMetadata
from twinfront._event_routes import EventRoute


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
        """Creates an event route, or replaces the one of that id.

        Args:
            event_route_id: The route's id.
            event_route: The route to be.
            timeout: Seconds; 60 by default.
            metadata: Further request metadata.

        Raises:
            InvalidArgumentError: There is no such endpoint, or the filter is none.
        """
        call = _event_routes.create_or_replace_event_route(event_route_id, event_route)
        await self._send(self._event_route_service.CreateOrReplaceEventRoute, call, timeout, metadata)

    async def get_event_route(
        self,
        event_route_id: str,
        *,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> EventRoute:
        """Reads an event route.

        Args:
            event_route_id: The route's id.
            timeout: Seconds; 30 by default.
            metadata: Further request metadata.

        Raises:
            EventRouteNotFoundError: No such route.
        """
        call = _event_routes.get_event_route(event_route_id)
        return await self._send(self._event_route_service.GetEventRoute, call, timeout, metadata)

    def list_event_routes(
        self,
        *,
        page_size: int | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> AsyncPager[EventRoute]:
        """Lists event routes.

        Args:
            page_size: How many to fetch at a time: 100 by default, 1000 at the most.
            timeout: Seconds for each page; 30 by default.
            metadata: Further request metadata.

        Returns:
            An iterable of the routes, which fetches pages as it goes; `.pages()` has them with their tokens.
        """
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
        """Deletes an event route.

        Args:
            event_route_id: The route's id.
            timeout: Seconds; 60 by default.
            metadata: Further request metadata.

        Raises:
            EventRouteNotFoundError: No such route.
        """
        call = _event_routes.delete_event_route(event_route_id)
        await self._send(self._event_route_service.DeleteEventRoute, call, timeout, metadata)
