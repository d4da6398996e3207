"""Event routes: messages to and from the JSON of Azure Digital Twins."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from twinfront.v1.event_route_service_pb2 import EventRoute
from twinfront_server.adt.body import Body
from twinfront_server.adt.expected_answer import expects_answer
from twinfront_server.adt.json_text import parse_answer
from twinfront_server.errors import invalid_argument
from twinfront_server.wire.json_field import parse_json_object

_EVERYTHING: Final = "true"


@expects_answer
def fill_event_route(route: EventRoute, body: bytes, *, as_json: bool) -> None:
    """Sets an empty message to an event route that the upstream answered."""
    if as_json:
        route.json = body
    else:
        fill_listed_event_route(route, parse_answer(body), as_json=False)


@expects_answer
def fill_listed_event_route(route: EventRoute, item: Mapping[str, Any], *, as_json: bool) -> None:
    """Sets an empty message to one item of a list of event routes."""
    if as_json:
        route.json = orjson.dumps(item)
        return
    route.id = item.get("id") or ""
    route.endpoint_name = item.get("endpointName") or ""
    route.filter = item.get("filter") or ""


def event_route_body(route: EventRoute, event_route_id: str) -> Body:
    """Makes the JSON to send for an event route that a caller wants written.

    Raises:
        TwinfrontError: INVALID_ARGUMENT if the message is in neither form, or in both; if its id is not the request's.
    """
    if route.id not in ("", event_route_id):
        raise invalid_argument("event_route.id", "must be empty or equal to event_route_id")
    if route.json:
        if route.endpoint_name or route.filter:
            raise invalid_argument("event_route.json", "must be empty when the typed fields are used")
        document = parse_json_object(route.json, "event_route.json")
        if document.get("id") not in (None, "", event_route_id):
            raise invalid_argument("event_route.json", "id must be absent or equal to event_route_id")
        return Body(route.json, "event_route.json")
    if not route.endpoint_name:
        raise invalid_argument("event_route.endpoint_name", "is required: the name of an endpoint of the instance")
    document = {"endpointName": route.endpoint_name, "filter": route.filter or _EVERYTHING}
    return Body(orjson.dumps(document), "event_route")
