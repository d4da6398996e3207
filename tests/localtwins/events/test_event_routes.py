"""Event routes as resources: put, read, listed, deleted, and refused."""

import base64
import json
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


async def pages(adt: Adt, size: str) -> list[list[str]]:
    ids, target = [], "/eventroutes"
    while target:
        page = (await adt.get(target, max_items_per_page=size)).body
        ids.append([route["id"] for route in page["value"]])
        link: str | None = page["nextLink"]
        assert link is None or link.startswith("https://adt.example/EventRoutes?continuationToken=")
        target = link.removeprefix("https://adt.example").rpartition("&api-version")[0] if link else ""
    return ids


async def test_routes_are_listed_page_by_page_in_the_order_of_their_creation(routed: Adt):
    for route_id in "zmayb":
        assert (await routed.put(f"/eventroutes/{route_id}", BODY)).status == 204
    whole = await routed.get("/eventroutes")
    assert [route["id"] for route in whole.body["value"]] == ["z", "m", "a", "y", "b"]
    assert list(whole.body) == ["value", "nextLink"]
    assert whole.body["nextLink"] is None
    assert await pages(routed, "2") == [["z", "m"], ["a", "y"], ["b"]]


async def test_a_route_that_is_replaced_keeps_its_place_and_one_that_is_made_anew_does_not(routed: Adt):
    for route_id in "zma":
        await routed.put(f"/eventroutes/{route_id}", BODY)
    await routed.put("/eventroutes/z", {**BODY, "filter": "false"})
    assert await pages(routed, "1") == [["z"], ["m"], ["a"]]
    await routed.delete("/eventroutes/z")
    await routed.put("/eventroutes/z", BODY)
    assert await pages(routed, "5") == [["m", "a", "z"]]


async def test_a_page_goes_on_behind_a_route_that_was_deleted_meanwhile(routed: Adt):
    for route_id in "zma":
        await routed.put(f"/eventroutes/{route_id}", BODY)
    link = (await routed.get("/eventroutes", max_items_per_page="1")).body["nextLink"]
    await routed.delete("/eventroutes/z")
    target = link.removeprefix("https://adt.example").rpartition("&api-version")[0]
    assert [route["id"] for route in (await routed.get(target)).body["value"]] == ["m", "a"]


@pytest.mark.parametrize("token", [["z"], [1.0], [2**63], [1, 1], [], {}, 1])
async def test_a_token_of_another_form_is_refused(routed: Adt, token: object):
    text = base64.urlsafe_b64encode(json.dumps(token).encode()).decode()
    answer = await routed.get(f"/eventroutes?continuationToken={text}")
    assert (answer.status, answer.code) == (400, "InvalidArgument")


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


async def test_an_instance_has_six_routes_at_most(routed: Adt):
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
