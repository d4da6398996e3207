"""Delivery along event routes: at least once, in order per twin, and at nobody's cost."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from localtwins import LocalTwins, Settings

from ..adt import ROOM_TWIN, Adt, replace
from .conftest import create_graph
from .webhook import Webhook

ROOM = "/digitaltwins/room"


async def route(adt: Adt, endpoint: str, filter_text: str = "true", name: str = "route") -> None:
    assert (await adt.put(f"/eventroutes/{name}", {"endpointName": endpoint, "filter": filter_text})).status == 204


async def lines(path: Path, count: int) -> list[dict[str, Any]]:
    """The events in a file, once there are so many."""
    async with asyncio.timeout(20):
        while not path.exists() or path.read_bytes().count(b"\n") < count:
            await asyncio.sleep(0.005)
    return [json.loads(line) for line in path.read_text().splitlines()]


def seats(events: list[dict[str, Any]]) -> list[int]:
    return [event["data"]["patch"][0]["value"] for event in events]


async def set_seats(adt: Adt, *numbers: int, twin: str = "room") -> None:
    for number in numbers:
        assert (
            await adt.patch(f"/digitaltwins/{twin}", {"op": "add", "path": "/seats", "value": number})
        ).status == 204


async def test_a_file_gets_each_event_from_the_route_on(routed: Adt, tmp_path: Path):
    await set_seats(routed, 1)
    await route(routed, "file")
    await set_seats(routed, 2, 3)
    await routed.post(f"{ROOM}/telemetry", {"noise": 1}, message_id="m1")
    events = await lines(tmp_path / "events.ndjson", 3)
    assert seats(events[:2]) == [2, 3]
    assert (events[2]["id"], events[2]["source"]) == ("m1", "localtwins/digitaltwins/room")
    assert {event["specversion"] for event in events} == {"1.0"}


async def test_a_webhook_gets_structured_cloud_events(routed: Adt, webhook: Webhook):
    await route(routed, "hook")
    await set_seats(routed, 1)
    (event,) = await webhook.wait_for(1)
    assert webhook.content_types == {"application/cloudevents+json; charset=utf-8"}
    assert (event["type"], event["subject"]) == ("Microsoft.DigitalTwins.Twin.Update", "room")


async def test_only_what_the_filter_selects_is_delivered(routed: Adt, webhook: Webhook):
    await route(routed, "hook", "type = 'Microsoft.DigitalTwins.Twin.Create' AND $body.seats > 5")
    await set_seats(routed, 9)
    for number in range(10):
        await routed.put(f"/digitaltwins/new{number}", {**ROOM_TWIN, "seats": number})
    assert [event["subject"] for event in await webhook.wait_for(4)] == ["new6", "new7", "new8", "new9"]


async def test_a_replaced_route_goes_on_with_its_new_filter_and_a_deleted_one_ends(routed: Adt, webhook: Webhook):
    await route(routed, "hook", "$body.patch != null AND subject = 'room'")
    await set_seats(routed, 1)
    await webhook.wait_for(1)
    await route(routed, "hook", "subject = 'hall' OR subject = 'last'")
    await set_seats(routed, 2)
    await routed.delete("/digitaltwins/hall")
    assert [event["subject"] for event in await webhook.wait_for(2)] == ["room", "hall"]
    await routed.delete("/eventroutes/route")
    await set_seats(routed, 3)
    await route(routed, "hook", name="other")
    await set_seats(routed, 4)
    assert seats((await webhook.wait_for(3))[2:]) == [4]


async def test_routes_do_not_wait_for_each_other_nor_writes_for_them(routed: Adt, webhook: Webhook, tmp_path: Path):
    stuck = asyncio.Event()

    async def hang(_event: dict[str, Any]) -> int:
        await stuck.wait()
        return 200

    webhook.answer = hang
    await route(routed, "hook", name="stuck")
    await route(routed, "file", name="well")
    await set_seats(routed, *range(300))
    assert seats(await lines(tmp_path / "events.ndjson", 300)) == list(range(300))
    assert webhook.taken == []
    stuck.set()
    assert seats(await webhook.wait_for(300)) == list(range(300))


async def test_what_fails_is_sent_again_in_order_for_its_twin(routed: Adt, webhook: Webhook):
    attempts: Counter[str] = Counter()

    async def fail_at_first(event: dict[str, Any]) -> int:
        attempts[event["id"]] += 1
        return 200 if attempts[event["id"]] > event["data"]["patch"][0]["value"] % 3 else 503

    webhook.answer = fail_at_first
    for twin in ("a", "b"):
        await routed.put(f"/digitaltwins/{twin}", ROOM_TWIN)
    await route(routed, "hook")
    for number in range(6):
        await set_seats(routed, number, twin="a")
        await set_seats(routed, number, twin="b")
    events = await webhook.wait_for(12)
    for twin in ("a", "b"):
        assert seats([event for event in events if event["subject"] == twin]) == list(range(6))
    assert max(attempts.values()) == 3


async def test_one_twin_does_not_wait_for_another_at_the_same_webhook(routed: Adt, webhook: Webhook):
    free = asyncio.Event()

    async def hold_room(event: dict[str, Any]) -> int:
        if event["subject"] == "room":
            await free.wait()
        return 200

    webhook.answer = hold_room
    await routed.put("/digitaltwins/a", ROOM_TWIN)
    await route(routed, "hook")
    writes = [set_seats(routed, 1), set_seats(routed, 1, twin="a")]
    await asyncio.gather(*writes)
    assert [event["subject"] for event in await webhook.wait_for(1)] == ["a"]
    free.set()
    await webhook.wait_for(2)


async def test_an_event_that_the_webhook_refuses_is_left_out(
    routed: Adt, webhook: Webhook, caplog: pytest.LogCaptureFixture
):
    async def refuse_odd(event: dict[str, Any]) -> int:
        return 400 if event["data"]["patch"][0]["value"] % 2 else 200

    webhook.answer = refuse_odd
    await route(routed, "hook")
    await set_seats(routed, 0, 1, 2)
    assert seats(await webhook.wait_for(2)) == [0, 2]
    assert "a refused event is left out" in caplog.text


async def test_a_webhook_that_is_not_there_yet_gets_everything_later():
    async with Webhook() as gone:
        url = gone.url
    adt = Adt(await LocalTwins.open(":memory:", Settings(endpoint={"hook": url})))
    try:
        await create_graph(adt)
        await route(adt, "hook")
        await set_seats(adt, 1, 2, 3)
        webhook = Webhook()
        webhook.port = int(url.split(":")[2].split("/")[0])
        async with webhook:
            assert seats(await webhook.wait_for(3)) == [1, 2, 3]
    finally:
        await adt.service.close()


async def test_delivery_goes_on_after_a_restart(settings: Settings, webhook: Webhook, tmp_path: Path):
    async def refuse(_event: dict[str, Any]) -> int:
        return 503

    adt = Adt(await LocalTwins.open(tmp_path / "data", settings))
    await create_graph(adt)
    await route(adt, "hook", name="hook")
    await route(adt, "file", name="file")
    await set_seats(adt, 1)
    await webhook.wait_for(1)
    await lines(tmp_path / "events.ndjson", 1)
    webhook.answer = refuse
    await set_seats(adt, 2, 3)
    await lines(tmp_path / "events.ndjson", 3)
    await adt.service.close()

    webhook.answer = webhook.take
    adt = Adt(await LocalTwins.open(tmp_path / "data", settings))
    await set_seats(adt, 4)
    assert seats(await webhook.wait_for(4)) == [1, 2, 3, 4]
    assert seats(await lines(tmp_path / "events.ndjson", 4)) == [1, 2, 3, 4]
    await adt.service.close()


async def test_the_same_event_has_the_same_id_after_a_crash(settings: Settings, webhook: Webhook, tmp_path: Path):
    adt = Adt(await LocalTwins.open(tmp_path / "data", settings))
    await create_graph(adt)
    await route(adt, "hook")
    await set_seats(adt, 1)
    await webhook.wait_for(1)
    position = adt.service._database.read.last_position() - 1
    await adt.service.close()
    adt = Adt(await LocalTwins.open(tmp_path / "data", Settings()))
    connection = adt.service._database._writer._connection
    connection.execute("UPDATE event_routes SET position = ?", (position,))  # as a crash leaves it
    await adt.service.close()
    adt = Adt(await LocalTwins.open(tmp_path / "data", settings))
    first, again = await webhook.wait_for(2)
    assert first == again
    await adt.service.close()


async def test_a_route_waits_for_an_endpoint_that_left_the_settings(
    settings: Settings, webhook: Webhook, tmp_path: Path
):
    adt = Adt(await LocalTwins.open(tmp_path / "data", settings))
    await create_graph(adt)
    await route(adt, "hook")
    await adt.service.close()
    adt = Adt(await LocalTwins.open(tmp_path / "data", Settings(endpoint={"other": webhook.url})))
    await set_seats(adt, 1)
    await adt.service.close()
    assert webhook.seen == []
    adt = Adt(await LocalTwins.open(tmp_path / "data", settings))
    assert seats(await webhook.wait_for(1)) == [1]
    await adt.service.close()


async def test_a_route_that_is_too_far_behind_tells_what_it_missed(
    webhook: Webhook, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    settings = Settings(endpoint={"hook": webhook.url}, max_changes=64)
    adt = Adt(await LocalTwins.open(tmp_path, Settings(max_changes=64)))
    await create_graph(adt)
    await adt.service.close()
    adt = Adt(await LocalTwins.open(tmp_path, settings))
    await route(adt, "hook", "false")
    await adt.service.close()
    adt = Adt(await LocalTwins.open(tmp_path, Settings(max_changes=64)))
    await set_seats(adt, *range(200))
    await adt.service.close()
    adt = Adt(await LocalTwins.open(tmp_path, settings))
    async with asyncio.timeout(20):
        while "were trimmed before delivery" not in caplog.text:
            await asyncio.sleep(0.005)
    await adt.service.close()


async def test_closing_does_not_wait_for_a_webhook_that_hangs(routed: Adt, webhook: Webhook):
    free = asyncio.Event()

    async def hang(_event: dict[str, Any]) -> int:
        await free.wait()
        return 200

    webhook.answer = hang
    await route(routed, "hook")
    await set_seats(routed, 1)
    async with asyncio.timeout(20):
        while not webhook.seen:
            await asyncio.sleep(0.005)
    async with asyncio.timeout(5):
        await routed.service._delivery.close()
    free.set()


async def test_patches_of_all_kinds_arrive_as_sent(routed: Adt, webhook: Webhook):
    await route(routed, "hook", "STARTS_WITH(dataschema, 'dtmi:test:Room')")
    await routed.patch(f"{ROOM}/components/sensor", replace("/reading", 7))
    (event,) = await webhook.wait_for(1)
    assert event["data"]["patch"] == [{"value": 7, "path": "/sensor/reading", "op": "replace"}]
