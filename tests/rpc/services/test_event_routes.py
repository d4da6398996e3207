"""Event routes."""

from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import orjson
import pytest

from twinfront.v1 import event_route_service_pb2 as routes
from twinfront.v1.event_route_service_pb2 import EventRoute
from twinfront.v1.event_route_service_pb2_grpc import EventRouteServiceStub
from twinfront.v1.representation_pb2 import Representation

from .refusal import fields, refused

if TYPE_CHECKING:
    from twinfront.v1.event_route_service_pb2_grpc import EventRouteServiceAsyncStub

Code = grpc.StatusCode
FILTER = "type = 'Microsoft.DigitalTwins.Twin.Update'"


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> "EventRouteServiceAsyncStub":
    asynchronous: EventRouteServiceAsyncStub = EventRouteServiceStub(channel)
    return asynchronous


def route(**members: Any) -> routes.CreateOrReplaceEventRouteRequest:
    event_route = EventRoute(**({"endpoint_name": "events"} | members))
    return routes.CreateOrReplaceEventRouteRequest(event_route_id="route", event_route=event_route)


async def read(stub: "EventRouteServiceAsyncStub", event_route_id: str = "route", **options: Any) -> EventRoute:
    answer = await stub.GetEventRoute(routes.GetEventRouteRequest(event_route_id=event_route_id, **options))
    return EventRoute.FromString(answer.event_route.SerializeToString())


async def test_a_route_is_read_as_it_was_written(stub: "EventRouteServiceAsyncStub"):
    await stub.CreateOrReplaceEventRoute(route(filter=FILTER))
    assert await read(stub) == EventRoute(id="route", endpoint_name="events", filter=FILTER)


async def test_a_route_without_a_filter_takes_every_event(stub: "EventRouteServiceAsyncStub"):
    await stub.CreateOrReplaceEventRoute(route())
    assert (await read(stub)).filter == "true"


async def test_a_route_is_replaced(stub: "EventRouteServiceAsyncStub"):
    await stub.CreateOrReplaceEventRoute(route())
    await stub.CreateOrReplaceEventRoute(route(id="route", filter=FILTER))
    assert (await read(stub)).filter == FILTER


async def test_a_route_in_json(stub: "EventRouteServiceAsyncStub"):
    json = orjson.dumps({"endpointName": "events", "filter": "false"})
    await stub.CreateOrReplaceEventRoute(route(endpoint_name="", json=json))
    answered = await read(stub, representation=Representation.REPRESENTATION_JSON)
    assert orjson.loads(answered.json) == {"id": "route", "endpointName": "events", "filter": "false"}
    assert not answered.endpoint_name


async def test_routes_are_listed_page_by_page(stub: "EventRouteServiceAsyncStub"):
    for number in range(5):
        request = route()
        request.event_route_id = f"route-{number}"
        await stub.CreateOrReplaceEventRoute(request)
    first = await stub.ListEventRoutes(routes.ListEventRoutesRequest(page_size=3))
    rest = await stub.ListEventRoutes(routes.ListEventRoutesRequest(page_token=first.next_page_token))
    assert [each.id for page in (first, rest) for each in page.event_routes] == [f"route-{n}" for n in range(5)]
    assert not rest.next_page_token


async def test_a_deleted_route_is_gone(stub: "EventRouteServiceAsyncStub"):
    await stub.CreateOrReplaceEventRoute(route())
    await stub.DeleteEventRoute(routes.DeleteEventRouteRequest(event_route_id="route"))
    for call in (
        read(stub),
        stub.DeleteEventRoute(routes.DeleteEventRouteRequest(event_route_id="route")),
    ):
        error = await refused(call)
        assert (error.code, error.reason) == (Code.NOT_FOUND, "EVENT_ROUTE_NOT_FOUND")
        assert error.metadata == {"event_route_id": "route"}


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"endpoint_name": ""}, "event_route.endpoint_name"),
        ({"endpoint_name": "nowhere"}, "event_route.endpoint_name"),
        ({"filter": "type ="}, "event_route.filter"),
        ({"id": "other"}, "event_route.id"),
        ({"json": b"{}"}, "event_route.json"),
        ({"endpoint_name": "", "json": b"["}, "event_route.json"),
        ({"endpoint_name": "", "json": b"[]"}, "event_route.json"),
        ({"endpoint_name": "", "json": b"{}"}, "event_route.json"),
        ({"endpoint_name": "", "json": b'{"id": "other"}'}, "event_route.json"),
        ({"endpoint_name": "", "json": b'{"endpointName": "nowhere", "filter": "true"}'}, "event_route.json"),
    ],
)
async def test_what_is_wrong_is_named(stub: "EventRouteServiceAsyncStub", members: Any, field: str):
    error = await refused(stub.CreateOrReplaceEventRoute(route(**members)))
    assert (error.code, error.reason, fields(error)) == (Code.INVALID_ARGUMENT, "INVALID_ARGUMENT", [field])


@pytest.mark.parametrize("event_route_id", ["", "..", "a/b", "a b", "ü", "x" * 3000, "\n"])
async def test_an_id_that_no_route_has(stub: "EventRouteServiceAsyncStub", event_route_id: str):
    request = route()
    request.event_route_id = event_route_id
    error = await refused(stub.CreateOrReplaceEventRoute(request))
    assert fields(error) == ["event_route_id"]
    error = await refused(read(stub, event_route_id))
    assert error.code in {Code.INVALID_ARGUMENT, Code.NOT_FOUND}


async def test_a_list_with_a_wrong_page(stub: "EventRouteServiceAsyncStub"):
    error = await refused(stub.ListEventRoutes(routes.ListEventRoutesRequest(page_size=-1)))
    assert fields(error) == ["page_size"]
    error = await refused(stub.ListEventRoutes(routes.ListEventRoutesRequest(page_token="x")))
    assert error.reason == "PAGE_TOKEN_INVALID"
