"""Alarms that are used again, held against `asyncio.timeout_at`."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from tests.clock import Clock

from twinfront_program.alarms import Alarms

Watched = Callable[[float, Awaitable[None]], Awaitable[str]]


def by_alarms() -> Watched:
    alarms = Alarms()

    async def watched(deadline: float, work: Awaitable[None]) -> str:
        try:
            with alarms.at(deadline):
                await work
        except TimeoutError:
            return "time is up"
        except asyncio.CancelledError:
            return "cancelled"
        return "done"

    return watched


def by_asyncio() -> Watched:
    async def watched(deadline: float, work: Awaitable[None]) -> str:
        try:
            async with asyncio.timeout_at(deadline):
                await work
        except TimeoutError:
            return "time is up"
        except asyncio.CancelledError:
            return "cancelled"
        return "done"

    return watched


BOTH = pytest.mark.parametrize("watch", [by_alarms(), by_asyncio()], ids=["alarms", "asyncio"])


def timers() -> int:
    """Counts the timers of the loop that have not been taken back."""
    loop: Any = asyncio.get_running_loop()
    return sum(not timer.cancelled() for timer in loop._scheduled)


async def ends(watch: Watched, calls: Sequence[tuple[float, float, float]], clock: Clock) -> list[tuple[str, int]]:
    """Has calls begin, each after the one before, and gives how each ended and after how many tenths of a second.

    Args:
        watch: watches over them.
        calls: seconds until the next call, seconds that the call may take, and that it would take.
        clock: of the loop.
    """
    loop = asyncio.get_running_loop()

    async def call(may: float, would: float) -> tuple[str, int]:
        start = loop.time()
        how = await watch(start + may, asyncio.sleep(would))
        return how, round((loop.time() - start) * 10)

    tasks = []
    for pause, may, would in calls:
        tasks.append(asyncio.create_task(call(may, would)))
        await asyncio.sleep(0)
        await clock.advance(pause)
    await clock.advance(100)
    return list(await asyncio.gather(*tasks))


@pytest.mark.parametrize("seed", range(20))
async def test_calls_end_as_with_timers_of_their_own(clock: Clock, seed: int):
    chance = random.Random(seed)
    clock.stand_still()
    calls = [(chance.choice([0, 0, 1, 7]), chance.choice([2, 5, 30]), chance.choice([1, 4, 40])) for _ in range(30)]
    assert await ends(by_alarms(), calls, clock) == await ends(by_asyncio(), calls, clock)


async def test_an_alarm_that_is_used_again_rings_for_the_new_deadline(clock: Clock):
    clock.stand_still()
    assert await ends(by_alarms(), [(2, 30, 1), (0, 30, 40)], clock) == [("done", 10), ("time is up", 300)]
    assert await ends(by_alarms(), [(2, 30, 1), (0, 5, 40)], clock) == [("done", 10), ("time is up", 50)]


async def test_calls_one_after_the_other_set_one_timer(clock: Clock):
    watch = by_alarms()
    before = timers()
    for _ in range(100):
        assert await watch(asyncio.get_running_loop().time() + 30, asyncio.sleep(0)) == "done"
    assert timers() == before + 1
    await clock.advance(60)
    assert timers() == before


@BOTH
async def test_a_deadline_that_has_passed_ends_what_waits(watch: Watched):
    assert await watch(asyncio.get_running_loop().time() - 1, asyncio.sleep(40)) == "time is up"


@BOTH
async def test_a_task_that_is_cancelled_too_is_not_one_whose_time_is_up(clock: Clock, watch: Watched):
    clock.stand_still()
    loop = asyncio.get_running_loop()

    async def call() -> str:
        return await watch(loop.time() + 5, asyncio.sleep(40))

    cancelled = asyncio.create_task(call())
    await asyncio.sleep(0)
    await clock.advance(1)
    cancelled.cancel()
    assert await cancelled == "cancelled"

    both = asyncio.create_task(call())
    await asyncio.sleep(0)
    loop.call_at(loop.time() + 5, both.cancel)
    await clock.advance(5)
    assert await both == "cancelled"


@BOTH
async def test_who_goes_on_after_its_time_is_up_is_not_cancelled_for_good(clock: Clock, watch: Watched):
    clock.stand_still()
    loop = asyncio.get_running_loop()

    async def stubborn() -> None:
        try:
            await asyncio.sleep(40)
        except asyncio.CancelledError:
            await asyncio.sleep(0)

    async def call() -> tuple[str, int]:
        how = await watch(loop.time() + 5, stubborn())
        task = asyncio.current_task()
        assert task is not None
        return how, task.cancelling()

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    await clock.advance(10)
    assert await task == ("done", 0)


@BOTH
async def test_another_failure_after_the_time_is_up_stays_what_it_is(watch: Watched, clock: Clock):
    clock.stand_still()

    async def failing() -> None:
        try:
            await asyncio.sleep(40)
        except asyncio.CancelledError:
            raise LookupError from None

    task = asyncio.ensure_future(watch(asyncio.get_running_loop().time() + 5, failing()))
    await asyncio.sleep(0)
    await clock.advance(10)
    with pytest.raises(LookupError):
        await task
