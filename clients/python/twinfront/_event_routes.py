"""Event routes: their calls, and the routes as Python values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from twinfront import _json
from twinfront._calls import Call
from twinfront._pages import Page
from twinfront.v1 import event_route_service_pb2 as rpcs
from twinfront.v1.representation_pb2 import REPRESENTATION_JSON


@dataclass(frozen=True, slots=True)
class EventRoute:
    """A route of events to an endpoint: `EventRoute("hub", "type = 'Microsoft.DigitalTwins.Twin.Update'")`."""

    endpoint_name: str
    """The name of the endpoint, which is set up with the instance."""
    filter: str = "true"
    """Which events; all by default."""
    id: str = ""
    """The route's id. May be left empty in what is written."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads the JSON form of Azure Digital Twins."""
        return cls(data.get("endpointName") or "", data.get("filter") or "", data.get("id") or "")


def create_or_replace_event_route(
    event_route_id: str, event_route: EventRoute
) -> Call[rpcs.CreateOrReplaceEventRouteRequest, rpcs.CreateOrReplaceEventRouteResponse, None]:
    message = rpcs.EventRoute(id=event_route.id, endpoint_name=event_route.endpoint_name, filter=event_route.filter)
    return Call(
        rpcs.CreateOrReplaceEventRouteRequest(event_route_id=event_route_id, event_route=message), lambda _: None
    )


def get_event_route(
    event_route_id: str,
) -> Call[rpcs.GetEventRouteRequest, rpcs.GetEventRouteResponse, EventRoute]:
    return Call(
        rpcs.GetEventRouteRequest(event_route_id=event_route_id, representation=REPRESENTATION_JSON),
        lambda response: EventRoute.from_dict(_json.load(response.event_route.json)),
    )


def list_event_routes(
    *, page_size: int | None, page_token: str
) -> Call[rpcs.ListEventRoutesRequest, rpcs.ListEventRoutesResponse, Page[EventRoute]]:
    return Call(
        rpcs.ListEventRoutesRequest(
            page_size=page_size or 0, page_token=page_token, representation=REPRESENTATION_JSON
        ),
        lambda response: Page(
            [EventRoute.from_dict(_json.load(route.json)) for route in response.event_routes],
            response.next_page_token,
        ),
    )


def delete_event_route(
    event_route_id: str,
) -> Call[rpcs.DeleteEventRouteRequest, rpcs.DeleteEventRouteResponse, None]:
    return Call(rpcs.DeleteEventRouteRequest(event_route_id=event_route_id), lambda _: None)
