"""`/localtwins/changes`: the log for followers that are not in this process."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from localtwins import LocalTwins, Request, Settings, limits

from ..adt import MODELS, ROOM_TWIN, Adt, Answer, parsed, replace
from ..serving import start

CHANGES = "/localtwins/changes"
ITEMS = f"{CHANGES}/items"
QUERY = "api-version=2023-10-31"


@dataclass
class Follower:
    """Asks for changes as other services do, without an api-version."""

    service: LocalTwins

    async def get(self, path: str = CHANGES, **parameters: object) -> Answer:
        return parsed(await self.service.handle(Request("GET", path, urlencode(parameters))))

    async def page(self, path: str = CHANGES, **parameters: object) -> dict[str, Any]:
        answer = await self.get(path, **parameters)
        assert answer.status == 200, answer
        body: dict[str, Any] = answer.body
        return body

    async def refusal(self, path: str = CHANGES, **parameters: object) -> tuple[int, str, str]:
        answer = await self.get(path, **parameters)
        return answer.status, answer.code, answer.message


@pytest.fixture
def follower(graph: Adt) -> Follower:
    """Of a log of four models and the twins room, hall and machine."""
    return Follower(graph.service)


async def test_a_follower_that_begins_is_told_how_far_the_log_reaches(follower: Follower):
    before = datetime.now(UTC)
    page = await follower.page()
    assert before <= datetime.fromisoformat(page.pop("time")) <= datetime.now(UTC)
    log = follower.service.changes
    extent = log.extent()
    assert extent.oldest_time is not None
    assert extent.newest_time is not None
    assert page == {
        "logId": str(log.log_id),
        "after": 7,
        "oldest": 0,
        "newest": 7,
        "begun": 0,
        "oldestTime": extent.oldest_time.isoformat().replace("+00:00", "Z"),
        "newestTime": extent.newest_time.isoformat().replace("+00:00", "Z"),
        "changes": [],
    }


async def test_a_log_without_changes_has_no_times(empty: Adt):
    page = await Follower(empty.service).page()
    assert (page["oldestTime"], page["newestTime"], page["newest"]) == (None, None, 0)


async def test_changes_come_with_all_that_is_known_of_them(graph: Adt, follower: Follower):
    twin = await graph.twin("room")
    link = {"$relationshipName": "servedBy", "$targetId": "machine"}
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    etag = (await graph.put("/digitaltwins/room/relationships/r", link, traceparent=trace)).etag
    await graph.put("/digitaltwins/room", {"$metadata": {"$model": "dtmi:test:Space;1"}})
    await graph.post("/digitaltwins/room/telemetry", {"noise": 1}, message_id="m")
    log = follower.service.changes
    created = (await follower.page(after=4, limit=1))["changes"][0]
    assert created == {
        "position": 5,
        "id": log.read(4, 1)[0].id_in(log.log_id),
        "type": "Microsoft.DigitalTwins.Twin.Create",
        "time": twin["$metadata"]["$lastUpdateTime"],
        "loggedTime": twin["$metadata"]["$lastUpdateTime"],
        "twinId": "room",
        "subject": "room",
        "modelId": "dtmi:test:Room;1",
        "etag": twin["$etag"],
        "data": twin,
    }
    related, replaced, sent = (await follower.page(after=7))["changes"]
    assert related["etag"] == etag
    assert (related["relationshipName"], related["targetId"], related["traceparent"]) == ("servedBy", "machine", trace)
    assert replaced["previousModelId"] == "dtmi:test:Room;1"
    assert (sent["messageId"], sent["data"], "etag" in sent, "subject" in sent) == ("m", {"noise": 1}, False, False)


async def test_changes_are_read_page_by_page(follower: Follower):
    position, positions = 0, []
    while changes := (await follower.page(after=position, limit=3))["changes"]:
        positions.append([change["position"] for change in changes])
        position = changes[-1]["position"]
    assert positions == [[1, 2, 3], [4, 5, 6], [7]]


async def test_a_time_leads_to_the_changes_from_then_on(graph: Adt, follower: Follower):
    time = (await graph.twin("hall"))["$metadata"]["$lastUpdateTime"]
    page = await follower.page(time=time)
    assert page["after"] == 5
    assert [change["twinId"] for change in page["changes"]] == ["hall", "machine"]


async def test_a_limit_of_zero_asks_for_the_place_alone(follower: Follower):
    page = await follower.page(after=3, limit=0, wait=60)
    assert (page["after"], page["changes"]) == (3, [])


@pytest.mark.parametrize(
    ("path", "parameters", "told"),
    [
        (CHANGES, {"after": "-1"}, "after must be a position"),
        (CHANGES, {"after": "1e3"}, "after must be a position"),
        (CHANGES, {"after": "9" * 19}, "after must be a position"),
        (CHANGES, {"after": "٣"}, "after must be a position"),
        (CHANGES, {"after": 1, "time": "2026-01-01T00:00:00Z"}, "exclude each other"),
        (CHANGES, {"time": "yesterday"}, "must be an RFC 3339 time"),
        (CHANGES, {"time": "2026-13-01T00:00:00Z"}, "must be an RFC 3339 time"),
        (CHANGES, {"time": "0001-01-01T00:00:00+14:00"}, "must be an RFC 3339 time"),
        (CHANGES, {"limit": limits.CHANGES + 1}, f"up to {limits.CHANGES}"),
        (CHANGES, {"limit": "all"}, f"up to {limits.CHANGES}"),
        (CHANGES, {"wait": limits.WAIT_SECONDS + 1}, "60 at the most"),
        (CHANGES, {"wait": "-1"}, "60 at the most"),
        (CHANGES, {"wait": "inf"}, "60 at the most"),
        (CHANGES, {"wait": "nan"}, "60 at the most"),
        (ITEMS, {}, "kind must be twins or relationships"),
        (ITEMS, {"kind": "models"}, "kind must be twins or relationships"),
        (ITEMS, {"kind": "twins", "limit": limits.CHANGES + 1}, f"up to {limits.CHANGES}"),
    ],
)
async def test_a_parameter_of_the_wrong_form_is_refused(
    follower: Follower, path: str, parameters: dict[str, object], told: str
):
    status, code, message = await follower.refusal(path, **parameters)
    assert (status, code) == (400, "InvalidArgument")
    assert told in message
    assert len(message) < 200


async def test_only_reads_are_served(graph: Adt):
    for path in (CHANGES, ITEMS):
        for method in ("PUT", "POST", "PATCH", "DELETE"):
            answer = await graph.send(method, path, {})
            assert (answer.status, answer.headers["Allow"]) == (405, "GET")


async def test_an_api_version_is_passed_over(graph: Adt):
    assert (await graph.get(f"{CHANGES}?limit=0")).status == 200
    graph.api_version = "1999-01-01"
    assert (await graph.get(f"{CHANGES}?limit=0")).status == 200
    assert (await graph.get("/digitaltwins/room")).code == "UnsupportedApiVersion"


async def test_a_position_that_the_log_cannot_go_on_from_is_gone():
    service = await LocalTwins.open(":memory:", Settings(max_changes=64))
    adt, follower = Adt(service), Follower(service)
    await adt.post("/models", MODELS)
    await adt.put("/digitaltwins/room", ROOM_TWIN)
    for number in range(200):
        await adt.patch("/digitaltwins/room", replace("/temperature", number))
    extent = service.changes.extent()
    for lost in ({"after": 0}, {"after": extent.newest + 1}, {"time": "2020-01-01T00:00:00Z"}):
        status, code, message = await follower.refusal(**lost)
        assert (status, code) == (410, "ChangesLost")
        assert f"behind position {extent.oldest}, up to {extent.newest}" in message
    assert (await follower.page(after=extent.oldest, limit=1))["changes"][0]["position"] == extent.oldest + 1
    await service.close()


async def test_the_positions_of_another_log_are_gone(follower: Follower):
    log_id = (await follower.page())["logId"]
    assert (await follower.page(log=log_id, after=1))["after"] == 1
    for path, parameters in ((CHANGES, {"after": 1}), (ITEMS, {"kind": "twins"})):
        status, code, message = await follower.refusal(path, log=log_id[::-1], **parameters)
        assert (status, code) == (410, "ChangeLogReplaced")
        assert log_id in message


async def test_items_come_page_by_page_with_the_position_of_each_page(graph: Adt, follower: Follower):
    first = await follower.page(ITEMS, kind="twins", limit=2)
    assert [item["$dtId"] for item in first["items"]] == ["hall", "machine"]
    assert (first["asOf"], first["next"]) == (7, "machine")
    await graph.patch("/digitaltwins/room", replace("/temperature", 5))
    second = await follower.page(ITEMS, kind="twins", limit=2, after=first["next"])
    assert second["items"] == [await graph.twin("room")]
    assert (second["asOf"], second["next"], second["logId"]) == (8, None, first["logId"])


async def test_relationships_come_page_by_page(graph: Adt, follower: Follower):
    link = {"$relationshipName": "servedBy", "$targetId": "machine"}
    for relationship_id in ("b", "a b"):
        await graph.put(f"/digitaltwins/room/relationships/{relationship_id.replace(' ', '%20')}", link)
    first = await follower.page(ITEMS, kind="relationships", limit=1)
    assert (first["items"][0]["$relationshipId"], first["next"]) == ("a b", "room/a b")
    second = await follower.page(ITEMS, kind="relationships", limit=1, after=first["next"])
    assert (second["items"][0]["$relationshipId"], second["next"]) == ("b", None)


class TestWaiting:
    """Requests that wait for changes."""

    async def test_a_change_answers_a_request_that_waits(self, graph: Adt, follower: Follower):
        waiting = asyncio.ensure_future(follower.page(after=7, wait=60))
        await asyncio.sleep(0)
        assert follower.service.changes.waiting == 1
        await graph.patch("/digitaltwins/room", replace("/temperature", 5))
        async with asyncio.timeout(5):
            page = await waiting
        assert [change["twinId"] for change in page["changes"]] == ["room"]
        assert page["newest"] == 8

    async def test_a_request_that_waits_is_answered_without_changes_when_its_time_is_over(self, follower: Follower):
        page = await follower.page(after=7, wait="0.01")
        assert (page["after"], page["changes"]) == (7, [])

    async def test_no_more_requests_than_the_bound_wait_at_once(
        self, follower: Follower, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(limits, "WAITING_REQUESTS", 3)
        waiting = [asyncio.ensure_future(follower.page(wait=60)) for _ in range(3)]
        await asyncio.sleep(0)
        answer = await follower.get(wait=60)
        assert (answer.status, answer.code, answer.headers["Retry-After"]) == (429, "TooManyRequests", "1")
        assert (await follower.page(after=0, wait=60))["changes"], "who need not wait is answered"
        for each in waiting:
            each.cancel()

    @pytest.fixture
    async def served(self, tmp_path: Path) -> AsyncIterator[tuple[Any, aiohttp.ClientSession]]:
        server = await start("--http", "--data-dir", str(tmp_path), "--shutdown-seconds", "60")
        async with aiohttp.ClientSession(server.url) as http:
            async with http.post(f"/models?{QUERY}", json=MODELS) as answer:
                assert answer.status == 201
            yield server, http
        if server.process.returncode is None:
            await server.kill()

    async def test_a_server_that_stops_answers_requests_that_wait_at_once(
        self, served: tuple[Any, aiohttp.ClientSession]
    ):
        server, http = served
        async with asyncio.timeout(30):
            waiting = asyncio.ensure_future(http.get(f"{CHANGES}?wait=60"))
            await asyncio.sleep(0.5)
            assert await server.stop() == 0
            async with await waiting as answer:
                assert answer.status == 200
                assert (await answer.json())["changes"] == []

    async def test_a_change_answers_a_request_that_waits_over_http(self, served: tuple[Any, aiohttp.ClientSession]):
        _, http = served
        async with asyncio.timeout(30):
            waiting = asyncio.ensure_future(http.get(f"{CHANGES}?wait=60"))
            await asyncio.sleep(0.2)
            async with http.put(f"/digitaltwins/room?{QUERY}", json=ROOM_TWIN) as answer:
                assert answer.status == 200
            async with await waiting as answer:
                (change,) = json.loads(await answer.read())["changes"]
            assert change["subject"] == "room"


async def test_a_caller_that_has_gone_waits_no_more(graph: Adt):
    from localtwins.http_server import HttpServer  # noqa: PLC0415  (only this test serves in this process)

    server = HttpServer(graph.service, Settings(listen="127.0.0.1:0"))
    await server.start()
    async with aiohttp.ClientSession(server.url) as http:
        waiting = asyncio.ensure_future(http.get(f"{CHANGES}?wait=60"))
        async with asyncio.timeout(10):
            while not graph.service.changes.waiting:
                await asyncio.sleep(0.01)
            waiting.cancel()
            while graph.service.changes.waiting:
                await asyncio.sleep(0.01)
    await server.stop()


@pytest.mark.parametrize("fault", ["error", "throttle"])
async def test_faults_can_be_had_here_too(follower: Follower, fault: str):
    follower.service.inject(f"{fault}:on=list_changes+list_change_items")
    for path in (CHANGES, ITEMS):
        assert (await follower.get(path, kind="twins")).status in {429, 503}
