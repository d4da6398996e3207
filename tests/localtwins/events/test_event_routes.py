"""Event routes as resources: put, read, listed, deleted, and refused."""

from typing import Any

import pytest
from azure.digitaltwins.core import DigitalTwinsEventRoute
from azure.digitaltwins.core.aio import DigitalTwinsClient

from localtwins.transport import LocalTransport

from ..adt import Adt
from ..test_sdk import AsyncCredential
from .webhook import Webhook

ROUTE = "/eventroutes/route-1"
BODY = {"endpointName": "file", "filter": "true"}


async def test_a_route_lives_and_dies(routed: Adt):
    assert (await routed.put(ROUTE, BODY)).status == 204
    assert (await routed.get(ROUTE)).body == {"id": "route-1", **BODY}
    changed = {"endpointName": "hook", "filter": "type = 'microsoft.iot.telemetry'"}
    assert (await routed.put(ROUTE, changed)).status == 204
    assert (await routed.get("/EventRoutes/route-1")).body == {"id": "route-1", **changed}
    answer = await routed.delete(ROUTE)
    assert (answer.status, answer.body) == (204, None)
    for answer in (await routed.get(ROUTE), await routed.delete(ROUTE)):
        assert (answer.status, answer.code) == (404, "EventRouteNotFound")


async def test_routes_are_listed_page_by_page(routed: Adt):
    for number in range(5):
        assert (await routed.put(f"/eventroutes/r{number}", BODY)).status == 204
    whole = await routed.get("/eventroutes")
    assert [route["id"] for route in whole.body["value"]] == ["r0", "r1", "r2", "r3", "r4"]
    assert list(whole.body) == ["value", "nextLink"]
    assert whole.body["nextLink"] is None
    ids, target = [], "/eventroutes"
    while target:
        page = (await routed.get(target, max_items_per_page="2")).body
        ids.append([route["id"] for route in page["value"]])
        link: str | None = page["nextLink"]
        assert link is None or link.startswith("https://adt.example/EventRoutes?continuationToken=")
        target = link.removeprefix("https://adt.example").rpartition("&api-version")[0] if link else ""
    assert ids == [["r0", "r1"], ["r2", "r3"], ["r4"]]


@pytest.mark.parametrize("route_id", ["a b", "a.b", "%C3%A9", "x" * 129, "a%0A"])
async def test_an_id_has_letters_digits_hyphens_and_underscores(routed: Adt, route_id: str):
    answer = await routed.put(f"/eventroutes/{route_id}", BODY)
    assert (answer.status, answer.code) == (400, "EventRouteIdInvalid")
    assert (await routed.get(f"/eventroutes/{route_id}")).code == "EventRouteNotFound"


async def test_the_endpoint_must_be_one_of_the_settings(routed: Adt, graph: Adt):
    for adt, name in ((routed, "File"), (graph, "file")):
        answer = await adt.put(ROUTE, {**BODY, "endpointName": name})
        assert (answer.status, answer.code) == (400, "EventRouteEndpointInvalid")
        assert (await adt.get(ROUTE)).status == 404


async def test_the_filter_must_parse(routed: Adt):
    answer = await routed.put(ROUTE, {**BODY, "filter": "type ="})
    assert (answer.status, answer.code) == (400, "EventRouteFilterInvalid")
    assert "Line=1, Position=7, Message=Unexpected end of input. " in answer.message
    assert (await routed.get(ROUTE)).status == 404


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"filter": "true"}, "endpointName"),
        ({"endpointName": "file"}, "filter"),
        ({"endpointName": "file", "filter": None}, "filter"),
        ({"endpointName": 1, "filter": "true"}, "endpointName"),
        ([], "endpointName"),
        (b"{", "not valid JSON"),
    ],
)
async def test_the_body_must_have_both_members(routed: Adt, body: Any, message: str):
    answer = await routed.put(ROUTE, body)
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert message in answer.message


async def test_there_are_six_at_most(routed: Adt):
    for number in range(6):
        await routed.put(f"/eventroutes/r{number}", BODY)
    answer = await routed.put(ROUTE, BODY)
    assert (answer.status, answer.code) == (400, "LimitExceeded")
    assert (await routed.put("/eventroutes/r5", {**BODY, "filter": "false"})).status == 204
    await routed.delete("/eventroutes/r0")
    assert (await routed.put(ROUTE, BODY)).status == 204


async def test_the_sdk_manages_routes_and_publishes(routed: Adt, webhook: Webhook):
    async with DigitalTwinsClient(
        "https://localhost", AsyncCredential(), transport=LocalTransport(routed.service)
    ) as client:
        await client.upsert_event_route("sdk", DigitalTwinsEventRoute(endpoint_name="hook", filter="true"))
        route = await client.get_event_route("sdk")
        assert (route.id, route.endpoint_name, route.filter) == ("sdk", "hook", "true")
        assert [route.id async for route in client.list_event_routes()] == ["sdk"]
        await client.publish_telemetry("room", {"noise": 1})
        await client.publish_component_telemetry("room", "sensor", {"noise": 2}, message_id="mine")
        first, second = await webhook.wait_for(2)
        assert (first["data"], second["data"], second["id"]) == ({"noise": 1}, {"noise": 2}, "mine")
        await client.delete_event_route("sdk")
        assert [route.id async for route in client.list_event_routes()] == []
