"""`EventRouteService`."""

from functools import partial
from typing import Any

from twinfront.v1 import event_route_service_pb2 as messages
from twinfront.v1.event_route_service_pb2_grpc import EventRouteServiceServicer
from twinfront_server.services.paging import Paging
from twinfront_server.upstream import Upstream
from twinfront_server.wire.event_route import event_route_body, fill_event_route, fill_listed_event_route
from twinfront_server.wire.identifier import required_id
from twinfront_server.wire.representation import wants_json


class EventRouteService(EventRouteServiceServicer):
    """Event routes."""

    def __init__(self, upstream: Upstream, paging: Paging) -> None:
        self._upstream = upstream
        self._paging = paging

    async def CreateOrReplaceEventRoute(
        self, request: messages.CreateOrReplaceEventRouteRequest, context: Any
    ) -> messages.CreateOrReplaceEventRouteResponse:
        event_route_id = required_id(request.event_route_id, "event_route_id")
        await self._upstream.event_routes.put(event_route_id, event_route_body(request.event_route, event_route_id))
        return messages.CreateOrReplaceEventRouteResponse()

    async def GetEventRoute(
        self, request: messages.GetEventRouteRequest, context: Any
    ) -> messages.GetEventRouteResponse:
        as_json = wants_json(request.representation)
        answer = await self._upstream.event_routes.get(required_id(request.event_route_id, "event_route_id"))
        response = messages.GetEventRouteResponse()
        fill_event_route(response.event_route, answer.body, as_json=as_json)
        return response

    async def ListEventRoutes(
        self, request: messages.ListEventRoutesRequest, context: Any
    ) -> messages.ListEventRoutesResponse:
        as_json = wants_json(request.representation)
        response = messages.ListEventRoutesResponse()
        await self._paging.fill(
            request,
            response,
            response.event_routes,
            lambda link, _size: self._upstream.event_routes.list(link),
            partial(fill_listed_event_route, as_json=as_json),
        )
        return response

    async def DeleteEventRoute(
        self, request: messages.DeleteEventRouteRequest, context: Any
    ) -> messages.DeleteEventRouteResponse:
        await self._upstream.event_routes.delete(required_id(request.event_route_id, "event_route_id"))
        return messages.DeleteEventRouteResponse()
