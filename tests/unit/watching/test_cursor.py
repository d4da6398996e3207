"""How far a watch has come, as its cursor knows."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from twinfront_server.adt.change import Change, Kind
from twinfront_server.upstream.changes.source import Batch, Extent, Items, ItemsPage, Order, Position
from twinfront_server.watching.cursor import SLICE, Cursor
from twinfront_server.watching.feed import Feed, Reader


class MemoryLog:
    """A source of changes that tests write."""

    order = Order.TOTAL

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self._more = asyncio.Event()

    def add(self, count: int) -> None:
        for number in range(len(self.changes) + 1, len(self.changes) + 1 + count):
            time_text = "2026-06-01T07:30:00.0000000Z"
            self.changes.append(
                Change("", number, str(number), Kind.TWIN_DELETED, time_text, "twin", "", "", "dtmi:a;1", b"{}")
            )
        self._more.set()

    async def read(self, after: Position, limit: int) -> Batch:
        first = after.get("", 0)
        changes: Sequence[Change] = self.changes[first : first + limit]
        return Batch(changes, {"": first + len(changes)}, None if changes else time.time())

    async def wait(self, after: Position, seconds: float) -> None:
        self._more.clear()
        if after.get("", 0) == len(self.changes):
            await asyncio.wait_for(self._more.wait(), seconds)

    async def log_id(self) -> str:
        return "log"

    async def extent(self) -> Extent:
        raise NotImplementedError

    async def newest(self) -> Position:
        raise NotImplementedError

    async def at_time(self, time: datetime) -> Position:
        raise NotImplementedError

    async def before_items(self) -> Position:
        raise NotImplementedError

    async def items(self, kind: Items, after: str, limit: int) -> ItemsPage:
        raise NotImplementedError

    async def close(self) -> None:
        pass


async def test_a_watch_has_not_come_to_the_end_while_it_has_read_what_it_has_not_looked_at():
    log = MemoryLog()
    cursor = Cursor(log, Feed(log), Reader({Kind.TWIN_DELETED}), {"": 0})
    assert await cursor.some() == []
    loop = asyncio.get_running_loop()
    await cursor.wait(loop.time() + 0.1)
    assert cursor.complete_until() is not None
    log.add(2 * SLICE)
    await cursor.wait(loop.time() + 10)
    for _ in range(2):
        await asyncio.sleep(0.05)  # the feed comes to its end meanwhile
        assert cursor.complete_until() is None
        for entry in await cursor.some():
            cursor.pass_over(entry.change)
    began = time.time()
    await asyncio.sleep(0.05)
    assert await cursor.some() == []
    complete = cursor.complete_until()
    assert complete is not None
    assert complete <= began
    cursor.leave()


async def test_the_first_watch_of_all_knows_how_far_it_has_come_before_the_feed_has_read():
    log = MemoryLog()
    cursor = Cursor(log, Feed(log), Reader({Kind.TWIN_DELETED}), {"": 0})
    began = time.time()
    assert await cursor.some() == []
    complete = cursor.complete_until()
    assert complete is not None
    assert began <= complete <= time.time()
    cursor.leave()


async def test_changes_up_to_a_position_are_waited_for_where_the_log_comes_later_than_what_is_asked_beside_it():
    log = MemoryLog()
    cursor = Cursor(log, Feed(log), Reader({Kind.TWIN_DELETED}), {"": 0})
    assert await cursor.some() == []
    reading = asyncio.create_task(cursor.some_until({"": 2}))
    await asyncio.sleep(0.05)
    assert not reading.done()
    log.add(3)
    some = await reading
    assert [entry.change.sequence for entry in some] == [1, 2]
    for entry in some:
        cursor.pass_over(entry.change)
    assert await cursor.some_until({"": 2}) == []
    assert [entry.change.sequence for entry in await cursor.some()] == [3]
    cursor.leave()


async def test_a_watch_is_behind_since_the_source_took_a_change_whatever_time_that_tells():
    log = MemoryLog()
    cursor = Cursor(log, Feed(log), Reader({Kind.TWIN_DELETED}), {"": 0})
    assert await cursor.some() == []
    log.add(1)
    log.changes[0] = replace(log.changes[0], time="1970-01-02T00:00:00Z", logged_time="2026-06-01T07:30:05.0000000Z")
    await cursor.wait(asyncio.get_running_loop().time() + 10)
    assert cursor.behind_since() == "2026-06-01T07:30:05.0000000Z"
    for entry in await cursor.some():
        cursor.pass_over(entry.change)
    assert cursor.time == "2026-06-01T07:30:05.0000000Z"
    cursor.leave()
