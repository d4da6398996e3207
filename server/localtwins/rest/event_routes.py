"""/eventroutes[/{id}]."""

import re
from typing import Any, Final

import orjson

from localtwins import errors
from localtwins.message import Response
from localtwins.operations import event_routes
from localtwins.rest.answers import json_answer, no_content
from localtwins.rest.bodies import read_document
from localtwins.rest.call import Call
from localtwins.rest.paging import next_link, page_size, read_token
from localtwins.store.reader import EventRoute

_PAGE: Final = 100
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


async def put(call: Call, route_id: str) -> Response:
    """Creates or replaces an event route."""
    if not _ID.fullmatch(route_id):
        raise errors.event_route_id_invalid(route_id)
    body = await read_document(call)
    endpoint_name, filter_text = _member(body, "endpointName"), _member(body, "filter")
    if endpoint_name not in call.settings.endpoints:
        raise errors.event_route_endpoint_invalid()
    from localtwins.events import filters  # noqa: PLC0415  (only who has a route needs it)

    filters.parse(filter_text)
    await call.write(lambda tx: event_routes.put(tx, call.settings, route_id, endpoint_name, filter_text))
    return no_content()


async def get(call: Call, route_id: str) -> Response:
    """Gets an event route."""
    route = call.read.event_route(route_id)
    if route is None:
        raise errors.event_route_not_found()
    return json_answer(orjson.dumps(_shown(route)))


async def list_all(call: Call) -> Response:
    """Lists event routes in the order of their creation."""
    size = page_size(call, _PAGE)
    token = read_token(call, (int,))
    routes = call.read.event_routes(token[0] if token else 0, size + 1)
    link = None
    if len(routes) > size:
        del routes[size:]
        link = next_link(call, "/EventRoutes", [routes[-1].number])
    return json_answer(orjson.dumps({"value": [_shown(route) for route in routes], "nextLink": link}))


async def delete(call: Call, route_id: str) -> Response:
    """Deletes an event route."""
    await call.write(lambda tx: event_routes.delete(tx, route_id))
    return no_content()


def _member(body: Any, name: str) -> str:
    value = body.get(name) if type(body) is dict else None
    if type(value) is not str:
        raise errors.invalid_argument(f"The request body must be an object with a string {name}.")
    return value


def _shown(route: EventRoute) -> dict[str, str]:
    return {"id": route.id, "endpointName": route.endpoint_name, "filter": route.filter}
