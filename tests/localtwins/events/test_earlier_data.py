"""A data folder of a version before goes on: its graph, its event routes and its log, which begins anew for followers.

What that version logged lacks etags, models and jobs; a follower that was told it would have a wrong copy of the graph.
"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from localtwins import LocalTwins, Settings
from localtwins.engine.clock import datetime_of
from localtwins.store.change_log import ChangesLostError, Items

from ..adt import Adt, replace

EARLIER = Path(__file__).with_name("before_following.sql")
"""What `sqlite3 localtwins.db .dump` prints of a folder that was written by schema 5."""

LOGGED_BEFORE = 7
KEPT_BEFORE = {"room", "machine"}


@pytest.fixture
async def earlier(tmp_path: Path) -> AsyncIterator[Adt]:
    with closing(sqlite3.connect(tmp_path / "localtwins.db")) as database:
        database.executescript(EARLIER.read_text())
        assert database.execute("PRAGMA user_version").fetchone() == (5,)
    service = await LocalTwins.open(tmp_path, Settings(endpoint={"elsewhere": f"file:{tmp_path / 'events'}"}))
    yield Adt(service)
    await service.close()


async def test_the_graph_is_there_and_goes_on(earlier: Adt):
    before = await earlier.twin("room")
    assert before["temperature"] == 21
    assert (
        await earlier.patch("/digitaltwins/room", replace("/temperature", 22), if_match=before["$etag"])
    ).status == 204
    assert (await earlier.get("/digitaltwins/room/relationships/r")).body["$targetId"] == "machine"
    assert len((await earlier.get("/models")).body["value"]) == 2


async def test_a_follower_is_told_nothing_of_what_was_logged_before(earlier: Adt):
    log = earlier.service.changes
    extent = log.extent()
    assert (extent.oldest, extent.oldest_time) == (LOGGED_BEFORE, None)
    for after in range(LOGGED_BEFORE):
        with pytest.raises(ChangesLostError):
            log.read(after, 10)
    await earlier.patch("/digitaltwins/room", replace("/temperature", 22))
    (change,) = log.read(LOGGED_BEFORE, 10)
    assert (change.position, change.etag) == (extent.newest + 1, (await earlier.twin("room"))["$etag"])


async def test_a_time_from_before_is_lost_and_one_from_then_on_is_not(earlier: Adt):
    lost = datetime_of(earlier.service._database.read.changes_lost().ticks)
    log = earlier.service.changes
    for time in (lost, lost - timedelta(days=1)):
        with pytest.raises(ChangesLostError):
            log.at_time(time)
    await earlier.patch("/digitaltwins/room", replace("/temperature", 22))
    (change,) = log.read(LOGGED_BEFORE, 10)
    assert log.at_time(lost + timedelta(microseconds=1)) == LOGGED_BEFORE
    assert log.at_time(datetime.fromisoformat(change.time) + timedelta(seconds=1)) == change.position


async def test_a_follower_begins_with_the_graph_as_it_is(earlier: Adt):
    page = earlier.service.changes.items(Items.DIGITAL_TWINS, "", 10)
    assert {json.loads(document)["$dtId"] for document in page.documents} == KEPT_BEFORE
    assert page.as_of == earlier.service.changes.extent().newest
    assert earlier.service.changes.read(page.as_of, 10) == []


async def test_an_event_route_delivers_what_it_has_not_delivered_yet_and_goes_on(earlier: Adt, tmp_path: Path):
    await earlier.patch("/digitaltwins/room", replace("/temperature", 22))
    events: list[dict[str, Any]] = []
    async with asyncio.timeout(20):
        while len(events) < LOGGED_BEFORE + 1:
            await asyncio.sleep(0.01)
            lines = (tmp_path / "events").read_bytes().splitlines() if (tmp_path / "events").exists() else []
            events = [json.loads(line) for line in lines]
    types = [event["type"].removeprefix("Microsoft.DigitalTwins.") for event in events]
    assert types == [
        *["Twin.Create"] * 3,
        *("Relationship.Create", "Twin.Update", "microsoft.iot.telemetry", "Twin.Delete"),
        "Twin.Update",
    ]
