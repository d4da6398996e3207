"""The feed: what is new is read once for all watches, and who is not concerned is not woken."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from twinfront_server.adt.change import Kind
from twinfront_server.errors import TwinfrontError, upstream_unavailable
from twinfront_server.upstream.changes.source import Position
from twinfront_server.watching import feed as feeds
from twinfront_server.watching.cursor import Cursor
from twinfront_server.watching.feed import Feed, Reader

from .log_in_memory import LogInMemory

KINDS = frozenset(Kind)
SECONDS = 10.0


class Follower:
    """Follows the log, as watches do."""

    def __init__(self, log: LogInMemory, feed: Feed, reader: Reader, position: Position) -> None:
        self.reader = reader
        self.cursor = Cursor(log, feed, reader, position)

    async def told(self, count: int) -> list[str]:
        """Gives the ids of the next changes."""
        ids: list[str] = []
        until = asyncio.get_running_loop().time() + SECONDS
        while len(ids) < count:
            for entry in await self.cursor.some():
                ids.append(entry.change.id)
                self.cursor.pass_over(entry.change)
            if len(ids) < count:
                await self.cursor.wait(until)
                assert asyncio.get_running_loop().time() < until
        return ids

    async def rest(self) -> None:
        """Comes to the end of the log."""
        assert await self.cursor.some() == []


@pytest.fixture
async def log() -> LogInMemory:
    return LogInMemory()


@pytest.fixture
async def feed(log: LogInMemory) -> AsyncIterator[Feed]:
    feed = Feed(log)
    yield feed
    for reader in list(feed._audience.everybody):
        feed.leave(reader)


async def test_a_hundred_watches_read_a_change_once(log: LogInMemory, feed: Feed):
    followers = [Follower(log, feed, Reader(KINDS), {}) for _ in range(100)]
    for follower in followers:
        await follower.rest()
    await asyncio.sleep(0.01)
    before = log.reads
    log.add("a")
    assert [await follower.told(1) for follower in followers] == [["0-0"]] * 100
    assert log.reads - before < 5


async def test_who_has_named_other_ids_is_not_woken(log: LogInMemory, feed: Feed):
    named = Follower(log, feed, Reader(KINDS, {"a"}, ()), {})
    begun = Follower(log, feed, Reader(KINDS, (), ("ab", "c")), {})
    every = Follower(log, feed, Reader(KINDS), {})
    for follower in (named, begun, every):
        await follower.rest()
    log.add("b")
    await every.told(1)
    assert (named.reader.first, begun.reader.first) == (None, None)
    log.add("abc")
    assert await begun.told(1) == ["0-1"]
    assert named.reader.first is None
    log.add("a")
    assert await named.told(1) == ["0-2"]


async def test_a_kind_that_is_not_wanted_wakes_nobody(log: LogInMemory, feed: Feed):
    follower = Follower(log, feed, Reader(frozenset({Kind.TWIN_DELETED})), {})
    every = Follower(log, feed, Reader(KINDS), {})
    await follower.rest()
    await every.rest()
    log.add("a")
    await every.told(1)
    assert follower.reader.first is None
    log.add("a", kind=Kind.TWIN_DELETED)
    assert await follower.told(1) == ["0-1"]


async def test_what_a_job_does_concerns_everybody(log: LogInMemory, feed: Feed):
    follower = Follower(log, feed, Reader(KINDS, {"a"}, ()), {})
    await follower.rest()
    log.add("", kind=Kind.JOB_WROTE)
    assert await follower.told(1) == ["0-0"]


async def test_the_place_of_who_is_not_concerned_moves_on_with_the_feed(log: LogInMemory, feed: Feed):
    follower = Follower(log, feed, Reader(KINDS, {"a"}, ()), {})
    every = Follower(log, feed, Reader(KINDS), {})
    await follower.rest()
    await every.rest()
    for partition in "0110":
        log.add("b", partition)
    await every.told(4)
    await follower.rest()
    assert follower.cursor.position == {"0": 1, "1": 1}


async def test_who_comes_from_behind_reads_by_itself_and_then_joins_without_gap_or_repeat(log: LogInMemory, feed: Feed):
    every = Follower(log, feed, Reader(KINDS), {})
    for number in range(300):
        log.add("a", str(number % 3))
    assert len(set(await every.told(300))) == 300
    late = Follower(log, feed, Reader(KINDS), {"0": 10, "1": 50})
    first = await late.told(300 - 11 - 51)
    log.add("a", "1")
    assert await late.told(1) == ["1-100"]
    assert len(set(first)) == len(first)


async def test_who_falls_behind_what_is_kept_misses_nothing(
    log: LogInMemory, feed: Feed, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(feeds, "KEPT", 10)
    slow, quick = (Follower(log, feed, Reader(KINDS), {}) for _ in range(2))
    await slow.rest()
    await quick.rest()
    for _ in range(50):
        log.add("a")
    await quick.told(50)
    assert await slow.told(50) == [f"0-{number}" for number in range(50)]


async def test_what_keeps_the_source_from_being_read_ends_all_waits(
    log: LogInMemory, feed: Feed, monkeypatch: pytest.MonkeyPatch
):
    followers = [Follower(log, feed, Reader(KINDS), {}) for _ in range(2)]
    for follower in followers:
        await follower.rest()

    async def broken(*_: Any) -> None:
        raise upstream_unavailable("The log is gone.")

    monkeypatch.setattr(log, "read", broken)
    log.add("a")
    for follower in followers:
        with pytest.raises(TwinfrontError, match="The log is gone"):
            await follower.told(1)


async def test_a_feed_that_nobody_follows_rests(log: LogInMemory, feed: Feed):
    follower = Follower(log, feed, Reader(KINDS), {})
    await follower.rest()
    follower.cursor.leave()
    reads = log.reads
    log.add("a")
    await asyncio.sleep(0.01)
    assert (log.reads, feed._following) == (reads, None)
