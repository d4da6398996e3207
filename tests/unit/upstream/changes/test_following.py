"""A log is followed once for all, and read at any place by few readers; what is lost or away is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from tests.changes.events import binary
from tests.changes.memory_log import BEGIN, DELAY, LEAST, MemoryLog
from tests.clock import Clock

from twinfront_server.errors import TwinfrontError, changes_unsupported, upstream_unavailable
from twinfront_server.reasons import Reason
from twinfront_server.upstream.changes import catching_up, followed_log, ring
from twinfront_server.upstream.changes.followed_log import FollowedLog
from twinfront_server.upstream.changes.ring import Ring
from twinfront_server.upstream.changes.source import ChangesLostError, Kind, Position

NEWEST_ONLY = 5


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has little in memory, and reads in small portions, so that a few entries are many."""
    monkeypatch.setattr(followed_log, "WARM", NEWEST_ONLY)
    monkeypatch.setattr(followed_log, "_PORTION", 3)


@pytest.fixture
async def follow() -> AsyncIterator[Callable[..., FollowedLog]]:
    followed: list[FollowedLog] = []

    def begin(log: MemoryLog, **options: object) -> FollowedLog:
        followed.append(FollowedLog(log, Ring(max_changes=10), **options))  # type: ignore[arg-type]  # as they come
        return followed[-1]

    yield begin
    for each in followed:
        await each.close()


Follow = Callable[..., FollowedLog]


async def read_all(followed: FollowedLog, after: Position, limit: int = 4) -> tuple[list[int], Position]:
    seen, position = [], after
    while (batch := await followed.read(position, limit)).changes or batch.position != position:
        seen += [change.sequence for change in batch.changes]
        position = batch.position
    return seen, position


async def test_a_log_is_read_from_its_beginning_to_its_end(follow: Follow) -> None:
    log = MemoryLog()
    for _ in range(30):
        log.add()
    seen, position = await read_all(follow(log), {})
    assert seen == list(range(30))
    assert position == {"0": 29}


async def test_what_is_new_wakes_who_waits(follow: Follow) -> None:
    log = MemoryLog()
    followed = follow(log)
    _, position = await read_all(followed, {})
    waiting = [asyncio.create_task(followed.wait(position, 60)) for _ in range(100)]
    await asyncio.sleep(0.01)
    assert not any(each.done() for each in waiting)
    log.add()
    async with asyncio.timeout(5):
        await asyncio.gather(*waiting)
    assert (await read_all(followed, position))[0] == [0]


async def test_a_wait_ends_with_its_time(follow: Follow) -> None:
    await asyncio.wait_for(follow(MemoryLog()).wait({"0": -1}, 0.01), 5)


async def test_readers_of_what_is_new_open_nothing(follow: Follow) -> None:
    log = MemoryLog()
    followed = follow(log)
    _, position = await read_all(followed, {})
    for number in range(3):
        log.add()
        await followed.wait(position, 5)
        for _ in range(20):
            assert [change.sequence for change in (await followed.read(position, 9)).changes] == [number]
        position = (await followed.read(position, 9)).position
    assert log.opened == 1


async def test_a_reader_of_long_ago_goes_on_where_it_stood(follow: Follow) -> None:
    log = MemoryLog()
    for _ in range(40):
        log.add()
    seen, _ = await read_all(follow(log), {"0": 2})
    assert seen == list(range(3, 40))
    assert log.opened == 2


async def test_many_readers_of_long_ago_have_two_readers_of_the_log_between_them(follow: Follow) -> None:
    log = MemoryLog()
    for _ in range(40):
        log.add()
    followed = follow(log)
    most = 0

    async def watched(after: int) -> list[int]:
        nonlocal most
        seen, position = [], {"0": after}
        while (batch := await followed.read(position, 3)).changes:
            seen += [change.sequence for change in batch.changes]
            position = dict(batch.position)
            most = max(most, len(log.readers))
        return seen

    results = await asyncio.gather(*(watched(after) for after in range(20)))
    assert results == [list(range(after + 1, 40)) for after in range(20)]
    assert most <= 1 + catching_up.READERS


async def test_a_reader_of_long_ago_is_told_to_come_again_while_there_are_too_many(
    follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catching_up, "PATIENCE", 0.05)
    log = MemoryLog()
    for _ in range(40):
        log.add()
    followed = follow(log)
    await read_all(followed, {"0": 39})
    async with followed._catching_up._reader({"0": 0}), followed._catching_up._reader({"0": 1}):
        with pytest.raises(TwinfrontError, match="catching up") as caught:
            await followed.read({}, 3)
    assert caught.value.reason is Reason.UPSTREAM_UNAVAILABLE
    assert (await followed.read({}, 3)).changes


async def test_a_resting_reader_is_closed_after_a_while(follow: Follow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catching_up, "_KEPT_OPEN", 0.01)
    log = MemoryLog()
    for _ in range(40):
        log.add()
    await follow(log).read({}, 3)
    async with asyncio.timeout(5):
        while len(log.readers) > 1:
            await asyncio.sleep(0.01)


async def test_a_number_without_an_entry_holds_nobody_up(follow: Follow) -> None:
    log = MemoryLog()
    for _ in range(20):
        log.add_gap()
    followed = follow(log)
    assert await read_all(followed, {}) == ([], {"0": 19})
    log.add_gap()
    log.add()
    await followed.wait({"0": 19}, 5)
    await asyncio.sleep(0.01)
    assert (await read_all(followed, {"0": 19}))[0] == [21]


async def test_changes_that_were_trimmed_are_lost_and_the_oldest_that_is_left_is_told(follow: Follow) -> None:
    log = MemoryLog()
    for _ in range(30):
        log.add()
    log.trim(10)
    followed = follow(log)
    with pytest.raises(ChangesLostError) as lost:
        await followed.read({"0": 8}, 5)
    assert (lost.value.trimmed, lost.value.oldest_time) == (True, BEGIN + timedelta(seconds=10) + LEAST)
    assert (await read_all(followed, {"0": 9}))[0] == list(range(10, 30))


async def test_changes_that_are_trimmed_while_they_are_read_are_lost(follow: Follow) -> None:
    log = MemoryLog()
    for _ in range(40):
        log.add()
    followed = follow(log)
    batch = await followed.read({}, 5)
    log.trim(20)
    with pytest.raises(ChangesLostError):
        await read_all(followed, batch.position)


async def test_a_position_beyond_the_end_is_lost_and_not_waited_for(follow: Follow) -> None:
    log = MemoryLog()
    for _ in range(8):
        log.add()
    followed = follow(log)
    with pytest.raises(ChangesLostError) as lost:
        await followed.read({"0": 8}, 5)
    assert not lost.value.trimmed


async def test_a_position_in_a_partition_that_is_not_there_is_lost(follow: Follow) -> None:
    followed = follow(MemoryLog())
    with pytest.raises(ChangesLostError):
        await followed.read({"0": -1, "7": 3}, 5)


async def test_a_log_that_has_lost_its_end_is_told_to_who_had_read_it(follow: Follow, clock: Clock) -> None:
    log = MemoryLog()
    for _ in range(8):
        log.add()
    followed = follow(log)
    _, position = await read_all(followed, {})
    log.cut(6)
    log.is_down = True
    log._grow()
    await clock.advance(1)
    log.is_down = False
    with pytest.raises(ChangesLostError):
        await followed.read(position, 5)


async def test_an_outage_of_seconds_is_bridged(follow: Follow, clock: Clock) -> None:
    log = MemoryLog()
    followed = follow(log)
    _, position = await read_all(followed, {})
    log.is_down = True
    log._grow()
    reading = asyncio.create_task(followed.read(position, 5))
    await clock.advance(followed_log._BRIDGED_SECONDS / 2)
    assert not reading.done()
    log.is_down = False
    await clock.advance(followed_log._BRIDGED_SECONDS / 2)
    assert (await reading).position == position
    log.add()
    await followed.wait(position, 5)
    assert (await read_all(followed, position))[0] == [0]


async def test_a_longer_outage_is_told_to_readers_and_to_who_waits(follow: Follow, clock: Clock) -> None:
    log = MemoryLog()
    failures: list[Reason] = []
    followed = follow(log, on_failure=failures.append)
    _, position = await read_all(followed, {})
    log.is_down = True
    log._grow()
    waiting = asyncio.create_task(followed.wait(position, 600))
    await clock.advance(followed_log._BRIDGED_SECONDS + 1)
    await waiting
    with pytest.raises(TwinfrontError) as caught:
        await followed.read(position, 5)
    assert caught.value.reason is Reason.UPSTREAM_UNAVAILABLE
    assert len(failures) > 1
    assert set(failures) == {Reason.UPSTREAM_UNAVAILABLE}


@pytest.mark.parametrize(
    ("reason", "counted"),
    [(Reason.UPSTREAM_UNAVAILABLE, [Reason.UPSTREAM_UNAVAILABLE]), (Reason.CHANGES_UNSUPPORTED, [])],
)
async def test_a_source_that_does_not_say_what_it_is_counts_as_failing_unless_there_is_none(
    follow: Follow, monkeypatch: pytest.MonkeyPatch, reason: Reason, counted: list[Reason]
) -> None:
    log = MemoryLog()
    failures: list[Reason] = []

    async def fail() -> str:
        raise changes_unsupported() if reason is Reason.CHANGES_UNSUPPORTED else upstream_unavailable("It is away.")

    monkeypatch.setattr(log, "log_id", fail)
    with pytest.raises(TwinfrontError) as caught:
        await follow(log, on_failure=failures.append).log_id()
    assert caught.value.reason is reason
    assert failures == counted


async def test_a_source_that_was_never_there_is_told_at_once(follow: Follow) -> None:
    log = MemoryLog()
    log.is_down = True
    with pytest.raises(TwinfrontError, match="The log is away"):
        await asyncio.wait_for(follow(log).read({}, 5), 5)


async def test_after_an_outage_nothing_is_missing(follow: Follow, clock: Clock) -> None:
    log = MemoryLog()
    for _ in range(3):
        log.add()
    followed = follow(log)
    _, position = await read_all(followed, {})
    log.is_down = True
    log._grow()
    await clock.advance(100)
    for _ in range(30):
        log.add()
    log.is_down = False
    await clock.advance(60)
    assert (await read_all(followed, position))[0] == list(range(3, 33))


async def test_a_partition_that_comes_later_is_read_from_its_beginning(follow: Follow, clock: Clock) -> None:
    log = MemoryLog()
    followed = follow(log)
    _, position = await read_all(followed, {})
    log.add_partition("1")
    log.add(partition="1")
    await clock.advance(2 * followed_log._LOOK_SECONDS)
    batch = await followed.read(position, 5)
    assert [(change.partition, change.sequence) for change in batch.changes] == [("1", 0)]


async def test_an_extent_is_as_it_is_when_it_is_asked_for(follow: Follow) -> None:
    log = MemoryLog("0", "1")
    followed = follow(log)
    extent = await followed.extent()
    assert (extent.oldest, extent.newest) == ({"0": -1, "1": -1}, {"0": -1, "1": -1})
    assert (extent.oldest_time, extent.newest_time) == (None, None)
    for _ in range(3):
        log.add()
    log.add(partition="1")
    await read_all(followed, {})
    extent = await followed.extent()
    assert (extent.oldest, extent.newest) == ({"0": -1, "1": -1}, {"0": 2, "1": 0})
    assert (extent.oldest_time, extent.newest_time) == (BEGIN - DELAY, BEGIN + timedelta(seconds=3) - DELAY)
    log.trim(2)
    extent = await followed.extent()
    assert (extent.oldest, extent.oldest_time) == ({"0": 1, "1": -1}, BEGIN + timedelta(seconds=2) + LEAST)


async def test_an_extent_is_told_while_nobody_can_be_asked_for_the_beginning(
    follow: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catching_up, "PATIENCE", 0.05)
    log = MemoryLog()
    for _ in range(40):
        log.add()
    followed = follow(log)
    async with followed._catching_up._reader({"0": 0}), followed._catching_up._reader({"0": 1}):
        extent = await followed.extent()
    assert (extent.newest, extent.oldest_time) == ({"0": 39}, None)


async def test_the_end_is_told_without_a_look_at_the_beginning(follow: Follow) -> None:
    log = MemoryLog()
    for _ in range(40):
        log.add()
    followed = follow(log)
    assert await followed.newest() == {"0": 39}
    assert (await followed.read({"0": 39}, 5)).changes == []
    assert log.opened == 1


async def test_a_time_is_a_place_before_the_first_change_at_or_after_it(follow: Follow) -> None:
    log = MemoryLog("0", "1")
    for _ in range(3):
        log.add()
    log.add(partition="1")
    followed = follow(log)
    assert await followed.at_time(BEGIN - timedelta(days=1)) == {"0": -1, "1": -1}
    assert await followed.at_time(BEGIN + timedelta(seconds=1)) == {"0": 0, "1": -1}
    assert await followed.at_time(BEGIN + timedelta(days=1)) == {"0": 2, "1": 0}


async def test_a_time_of_which_changes_are_trimmed_is_lost(follow: Follow) -> None:
    log = MemoryLog()
    for _ in range(6):
        log.add()
    log.trim(3)
    followed = follow(log)
    with pytest.raises(ChangesLostError) as lost:
        await followed.at_time(BEGIN + timedelta(seconds=2.5))
    assert lost.value.oldest_time == BEGIN + timedelta(seconds=3) + LEAST
    assert await followed.at_time(lost.value.oldest_time) == {"0": 3}
    assert await followed.at_time(BEGIN + timedelta(seconds=3.5)) == {"0": 3}


async def test_a_time_of_a_partition_of_which_all_is_trimmed_is_lost_unless_it_was_read(follow: Follow) -> None:
    log = MemoryLog()
    for _ in range(6):
        log.add()
    knows, forgets = follow(log), follow(log)
    await read_all(knows, {})
    log.trim(6)
    assert await knows.at_time(BEGIN + timedelta(seconds=60)) == {"0": 5}
    with pytest.raises(ChangesLostError):
        await forgets.at_time(BEGIN + timedelta(seconds=60))


async def test_messages_are_counted_by_what_they_are(follow: Follow) -> None:
    log = MemoryLog()
    told: list[str] = []
    followed = follow(log, on_event=told.append)
    log.add()
    log.add_message({}, b"other")
    log.add_message(*binary("Microsoft.DigitalTwins.Twin.Update", "room", {}))
    batch = await followed.read({}, 9)
    while batch.position != {"0": 2}:
        batch = await followed.read(batch.position, 9)
    assert told == ["change", "foreign", "unreadable"]
    assert [change.kind for change in (await followed.read({}, 9)).changes] == [Kind.TWIN_UPDATED, Kind.UNREADABLE]


async def test_the_end_closes_all_readers_and_the_log() -> None:
    log = MemoryLog()
    for _ in range(40):
        log.add()
    followed = FollowedLog(log)
    await followed.read({}, 3)
    await followed.extent()
    await followed.close()
    assert log.readers == []
    assert log.is_closed


async def test_what_a_client_library_raises_beside_its_own_does_not_end_the_following(
    follow: Follow, clock: Clock
) -> None:
    log = MemoryLog()
    followed = follow(log)
    _, position = await read_all(followed, {})

    def broken() -> None:
        raise KeyError("nobody thought of that")

    with pytest.MonkeyPatch.context() as defect:
        defect.setattr(log, "require", broken)
        log._grow()
        await clock.advance(1)
    log.add()
    await clock.advance(60)
    assert (await read_all(followed, position))[0] == [0]


def test_what_is_kept_in_memory_is_bounded() -> None:
    assert ring.MAX_BYTES <= 64 << 20
    assert ring.WARM <= ring.MAX_CHANGES
