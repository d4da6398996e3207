"""The door for whoever follows the graph: reading the log, waiting for it, and states of the graph that fit to it."""

import asyncio
import time
import tracemalloc
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from localtwins import LocalTwins, Settings
from localtwins.store.change_log import ChangeLog, ChangeLogClosedError, ChangesLostError, Items

from ..adt import MODELS, ROOM_TWIN, Adt, replace

ROOM = "/digitaltwins/room"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(params=["memory", "disk"])
async def home(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Adt]:
    """A service with the tests' models, in memory and on disk."""
    service = await LocalTwins.open(":memory:" if request.param == "memory" else tmp_path)
    adt = Adt(service)
    assert (await adt.post("/models", MODELS)).status == 201
    yield adt
    await service.close()


async def _twins(adt: Adt, *twin_ids: str) -> None:
    for twin_id in twin_ids:
        assert (await adt.put(f"/digitaltwins/{twin_id}", ROOM_TWIN)).status == 200


async def test_the_log_reaches_from_the_first_change_to_the_newest(home: Adt):
    log = home.service.changes
    extent = log.extent()
    assert (extent.oldest, extent.newest) == (0, len(MODELS))
    assert extent.oldest_time is not None
    assert extent.newest_time is not None
    assert extent.oldest_time < extent.newest_time
    assert datetime.now(UTC) - extent.newest_time < timedelta(minutes=1)


async def test_a_log_without_changes_has_no_times(empty: Adt):
    extent = empty.service.changes.extent()
    assert (extent.oldest, extent.newest, extent.oldest_time, extent.newest_time) == (0, 0, None, None)
    assert empty.service.changes.read(0, 10) == []
    assert empty.service.changes.items(Items.DIGITAL_TWINS, "", 10).documents == []
    assert empty.service.changes.items(Items.DIGITAL_TWINS, "", 10).as_of == 0


async def test_changes_are_read_in_order_from_behind_a_position(home: Adt):
    await _twins(home, "a", "b", "c")
    log = home.service.changes
    first = log.read(len(MODELS), 2)
    assert [change.subject for change in first] == ["a", "b"]
    assert [change.subject for change in log.read(first[-1].position, 2)] == ["c"]
    assert log.read(first[-1].position + 1, 2) == []


async def test_a_page_of_changes_ends_with_the_one_that_reaches_its_bytes(home: Adt):
    await _twins(home, "a", "b", "c")
    size = len(home.service.changes.read(len(MODELS), 1)[0].data)
    assert len(home.service.changes.read(len(MODELS), 10, max_bytes=size)) == 1
    assert len(home.service.changes.read(len(MODELS), 10, max_bytes=size + 1)) == 2


async def test_every_change_was_logged_later_than_the_one_before(home: Adt):
    await _twins(home, "a", "b")
    await home.post("/digitaltwins/a/telemetry", {}, message_id="m", telemetry_source_time="2020-01-01T00:00:00Z")
    await home.delete("/digitaltwins/a")
    logged = [change.logged for change in home.service.changes.read(0, 100)]
    assert logged == sorted(set(logged))
    assert len(logged) == len(MODELS) + 4


async def test_a_change_has_an_id_that_no_change_of_another_log_has(home: Adt, empty: Adt):
    await empty.post("/models", MODELS)
    ids = [
        change.id_in(adt.service.changes.log_id)
        for adt in (home, empty)
        for change in adt.service.changes.read(0, 100)
        for _ in range(2)
    ]
    assert len(ids) == 4 * len(MODELS)
    assert len(set(ids)) == 2 * len(MODELS)
    assert all(uuid.UUID(change_id) for change_id in ids)


@pytest.mark.parametrize(
    ("sent", "logged"),
    [(TRACEPARENT, TRACEPARENT), (None, ""), ("x" * 8000, ""), (TRACEPARENT.upper(), ""), (f"{TRACEPARENT}-x", "")],
)
async def test_a_change_has_the_trace_context_of_its_request(home: Adt, sent: str | None, logged: str):
    await home.put(ROOM, ROOM_TWIN, **({} if sent is None else {"traceparent": sent}))
    await home.patch(ROOM, replace("/temperature", 1))
    assert [change.traceparent for change in home.service.changes.read(len(MODELS), 10)] == [logged, ""]


async def test_a_change_of_a_model_tells_the_one_before(home: Adt):
    await home.put(ROOM, ROOM_TWIN)
    await home.patch(ROOM, replace("/temperature", 1))
    await home.put(ROOM, {"$metadata": {"$model": "dtmi:test:Space;1"}})
    changes = home.service.changes.read(len(MODELS), 10)
    assert [change.previous_model_id for change in changes] == ["", "", "dtmi:test:Room;1"]
    assert [change.model_id for change in changes] == ["dtmi:test:Room;1", "dtmi:test:Room;1", "dtmi:test:Space;1"]


async def test_a_relationship_in_the_place_of_another_one_tells_what_that_pointed_to_and_its_name(home: Adt):
    for twin_id in ("a", "b", "c"):
        await home.put(f"/digitaltwins/{twin_id}", ROOM_TWIN)
    ends = [("b", "linkedTo"), ("b", "linkedTo"), ("c", "linkedTo"), ("b", "adjacentTo")]
    for target_id, name in ends:
        await home.put("/digitaltwins/a/relationships/r", {"$targetId": target_id, "$relationshipName": name})
    changes = home.service.changes.read(len(MODELS) + 3, 10)
    assert [(change.target_id, change.relationship_name) for change in changes] == ends
    before = [(change.previous_target_id, change.previous_relationship_name) for change in changes]
    assert before == [("", ""), ("", ""), ("b", ""), ("c", "linkedTo")]


class TestModels:
    """Models in the log."""

    async def test_models_are_told_without_their_definitions(self, home: Adt):
        changes = home.service.changes.read(0, 10)
        assert [change.type for change in changes] == ["localtwins.Model.Create"] * len(MODELS)
        for change, model in zip(changes, MODELS, strict=True):
            assert change.subject == change.model_id == model["@id"]
            assert change.twin_id == ""
        listed = (await home.get("/models")).body["value"]
        assert [orjson.loads(change.data) for change in changes] == listed

    async def test_a_decommissioned_model_is_told_once(self, home: Adt):
        for _ in range(2):
            await home.patch("/models/dtmi:test:Room;1", replace("/decommissioned", True))
        (change,) = home.service.changes.read(len(MODELS), 10)
        assert (change.type, change.subject) == ("localtwins.Model.Decommission", "dtmi:test:Room;1")
        assert orjson.loads(change.data)["decommissioned"] is True

    async def test_a_deleted_model_is_told_as_it_last_was(self, home: Adt):
        await home.delete("/models/dtmi:test:Room;1")
        (change,) = home.service.changes.read(len(MODELS), 10)
        assert (change.type, change.subject) == ("localtwins.Model.Delete", "dtmi:test:Room;1")
        assert orjson.loads(change.data)["id"] == "dtmi:test:Room;1"

    async def test_models_that_are_refused_are_not_told(self, home: Adt):
        assert (await home.post("/models", MODELS)).status == 409
        assert home.service.changes.read(len(MODELS), 10) == []


class TestWaiting:
    """Waiting for changes."""

    async def test_who_is_behind_does_not_wait(self, home: Adt):
        async with asyncio.timeout(5):
            await home.service.changes.wait(0, 60)

    async def test_a_change_ends_the_wait_once_it_can_be_read(self, home: Adt):
        log = home.service.changes
        waiting = asyncio.ensure_future(log.wait(len(MODELS), 60))
        await asyncio.sleep(0)
        assert not waiting.done()
        await _twins(home, "a")
        async with asyncio.timeout(5):
            await waiting
        assert [change.subject for change in log.read(len(MODELS), 10)] == ["a"]

    async def test_a_wait_ends_with_its_time(self, home: Adt):
        await home.service.changes.wait(len(MODELS), 0.01)
        assert home.service.changes.read(len(MODELS), 10) == []

    async def test_what_is_not_kept_ends_no_wait(self, home: Adt):
        await _twins(home, "a")
        newest = home.service.changes.extent().newest
        waiting = asyncio.ensure_future(home.service.changes.wait(newest, 60))
        await home.put(ROOM, ROOM_TWIN, localtwins_validate_only="true")
        await home.put(ROOM, {"$metadata": {"$model": "dtmi:test:Nothing;1"}})
        await asyncio.sleep(0)
        assert not waiting.done()
        waiting.cancel()

    async def test_a_kept_change_beside_one_that_is_taken_back_ends_the_wait(self, home: Adt):
        waiting = asyncio.ensure_future(home.service.changes.wait(len(MODELS), 60))
        await asyncio.gather(
            _twins(home, "a"),
            home.put(ROOM, ROOM_TWIN, localtwins_validate_only="true"),
            home.delete("/digitaltwins/x"),
        )
        async with asyncio.timeout(5):
            await waiting

    async def test_a_cancelled_wait_leaves_nothing_behind(self, home: Adt):
        log = home.service.changes
        waiting = [asyncio.ensure_future(log.wait(len(MODELS), 60)) for _ in range(10)]
        await asyncio.sleep(0)
        for wait in waiting:
            wait.cancel()
        await asyncio.wait(waiting)
        assert log.waiting == 0

    async def test_ten_thousand_followers_wait_in_little_memory_and_are_all_woken(self, home: Adt):
        log = home.service.changes
        count, most_bytes, most_seconds = 10_000, 60_000_000, 10
        tracemalloc.start()
        try:
            waiting = [asyncio.ensure_future(log.wait(len(MODELS), 60)) for _ in range(count)]
            await asyncio.sleep(0)
            used, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert (log.waiting, used < most_bytes) == (count, True)
        began = time.process_time()
        await _twins(home, "a")
        async with asyncio.timeout(60):
            await asyncio.gather(*waiting)
        assert time.process_time() - began < most_seconds
        assert log.waiting == 0

    async def test_closing_ends_every_wait(self, home: Adt):
        log = home.service.changes
        waiting = [asyncio.ensure_future(log.wait(len(MODELS), 60)) for _ in range(10)]
        await asyncio.sleep(0)
        log.close()
        async with asyncio.timeout(5):
            ends = await asyncio.gather(*waiting, log.wait(0, 60), return_exceptions=True)
        assert {type(end) for end in ends} == {ChangeLogClosedError}


class TestLostChanges:
    """A follower that the log cannot serve any more."""

    @pytest.fixture
    async def short(self) -> AsyncIterator[Adt]:
        service = await LocalTwins.open(":memory:", Settings(max_changes=64))
        adt = Adt(service)
        await adt.post("/models", MODELS)
        await _twins(adt, "a")
        for number in range(300):
            await adt.patch("/digitaltwins/a", replace("/temperature", number))
        yield adt
        await service.close()

    async def test_who_is_behind_the_oldest_change_is_told(self, short: Adt):
        log = short.service.changes
        oldest = log.extent().oldest
        assert oldest > 0
        for after in (0, oldest - 1, -1):
            with pytest.raises(ChangesLostError) as caught:
                log.read(after, 10)
            assert caught.value.extent == log.extent()
        assert [change.position for change in log.read(oldest, 2)] == [oldest + 1, oldest + 2]

    async def test_who_is_ahead_of_the_newest_change_is_told(self, short: Adt):
        log = short.service.changes
        newest = log.extent().newest
        assert log.read(newest, 10) == []
        with pytest.raises(ChangesLostError):
            log.read(newest + 1, 10)

    async def test_a_time_before_the_oldest_change_is_lost(self, short: Adt):
        log = short.service.changes
        extent = log.extent()
        assert extent.oldest_time is not None
        assert log.at_time(extent.oldest_time) == extent.oldest
        with pytest.raises(ChangesLostError):
            log.at_time(extent.oldest_time - timedelta(days=1))

    async def test_a_log_of_which_nothing_is_left_still_tells_what_is_lost(self, tmp_path: Path):
        service = await LocalTwins.open(tmp_path, Settings(max_change_bytes=100_000))
        adt = Adt(service)
        await adt.post("/models", MODELS)
        await _twins(adt, "a")
        await adt.post("/digitaltwins/a/telemetry", {"text": "x" * 200_000}, message_id="m")
        extent = service.changes.extent()
        assert (extent.oldest, extent.newest) == (len(MODELS) + 2, len(MODELS) + 2)
        assert extent.oldest_time is None
        with pytest.raises(ChangesLostError):
            service.changes.read(0, 10)
        assert service.changes.read(extent.newest, 10) == []
        await service.close()


class TestTimes:
    """Positions of times."""

    async def test_the_time_of_a_change_leads_to_the_place_before_it(self, home: Adt):
        await _twins(home, *(f"twin{number}" for number in range(40)))
        log = home.service.changes
        for change in log.read(0, 100):
            time = datetime.fromisoformat(change.time)
            assert log.at_time(time) == change.position - 1

    async def test_a_time_before_all_changes_is_the_beginning(self, home: Adt):
        assert home.service.changes.at_time(datetime(2020, 1, 1, tzinfo=UTC)) == 0

    async def test_a_time_to_come_is_the_end(self, home: Adt):
        assert home.service.changes.at_time(datetime.now(UTC) + timedelta(days=1)) == len(MODELS)

    async def test_telemetry_counts_by_when_it_was_logged(self, home: Adt):
        await _twins(home, "a")
        await home.post("/digitaltwins/a/telemetry", {}, message_id="m", telemetry_source_time="2020-01-01T00:00:00Z")
        await _twins(home, "b")
        log = home.service.changes
        created = log.read(len(MODELS), 10)
        assert log.at_time(datetime.fromisoformat(created[2].time)) == len(MODELS) + 2
        assert log.at_time(datetime.fromisoformat(created[0].time)) == len(MODELS)


class TestItems:
    """States of the graph with their positions."""

    async def _all(self, log: ChangeLog, kind: Items, limit: int, *, max_bytes: int = 1 << 20) -> list[list[str]]:
        pages, place = [], ""
        while True:
            page = log.items(kind, place, limit, max_bytes)
            documents = [orjson.loads(document) for document in page.documents]
            pages.append([document.get("$relationshipId") or document["$dtId"] for document in documents])
            if page.next is None:
                return pages
            place = page.next

    async def test_twins_come_by_id_page_by_page(self, home: Adt):
        await _twins(home, "b", "é", "a", "Z", "a-1")
        assert await self._all(home.service.changes, Items.DIGITAL_TWINS, 2) == [["Z", "a"], ["a-1", "b"], ["é"]]
        assert await self._all(home.service.changes, Items.DIGITAL_TWINS, 5) == [["Z", "a", "a-1", "b", "é"]]

    async def test_relationships_come_by_source_and_id_page_by_page(self, home: Adt):
        await _twins(home, "a", "a-b", "a!")
        for source, link, target in (("a-b", "1", "a"), ("a", "2", "a!"), ("a", "1", "a-b"), ("a!", "1", "a")):
            path = f"/digitaltwins/{source}/relationships/{source}{link}"
            assert (await home.put(path, {"$relationshipName": "linkedTo", "$targetId": target})).status == 200
        assert await self._all(home.service.changes, Items.RELATIONSHIPS, 1) == [["a1"], ["a2"], ["a!1"], ["a-b1"]]

    async def test_a_page_ends_with_the_item_that_reaches_its_bytes(self, home: Adt):
        await _twins(home, "a", "b", "c")
        assert await self._all(home.service.changes, Items.DIGITAL_TWINS, 9, max_bytes=1) == [["a"], ["b"], ["c"]]

    async def test_items_are_as_get_answers_them(self, home: Adt):
        await _twins(home, "a")
        (document,) = home.service.changes.items(Items.DIGITAL_TWINS, "", 10).documents
        assert orjson.loads(document) == await home.twin("a")

    async def test_a_page_is_of_its_position_and_not_of_a_lagging_copy(self, tmp_path: Path):
        service = await LocalTwins.open(tmp_path, Settings(query_lag=600))
        adt = Adt(service)
        await adt.post("/models", MODELS)
        await _twins(adt, "a")
        page = service.changes.items(Items.DIGITAL_TWINS, "", 10)
        assert (len(page.documents), page.as_of) == (1, service.changes.extent().newest)
        await service.close()
