"""The pace of writes follows what the upstream takes; the clock is the test's."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from twinfront_server.errors import TwinfrontError
from twinfront_server.reasons import Reason
from twinfront_server.upstream.pacing import OUTAGE_RETRIES, Pace


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        await asyncio.sleep(0)
        self.now = max(self.now, until)


def throttled(seconds: float) -> TwinfrontError:
    return TwinfrontError(Reason.UPSTREAM_THROTTLED, "No.", retry_after=seconds)


def unavailable() -> TwinfrontError:
    return TwinfrontError(Reason.UPSTREAM_UNAVAILABLE, "No.", retry_after=1.0)


def answers(*outcomes: Exception | str) -> Callable[[], Awaitable[str]]:
    """A write that ends in these, one after the other."""
    rest = list(outcomes)

    async def write() -> str:
        outcome = rest.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return write


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(16, lambda: None, clock=clock, sleep=clock.sleep)


async def test_a_throttled_write_is_done_again_after_the_delay(pace: Pace, clock: Clock):
    assert await pace.run(answers(throttled(7.0), "done")) == "done"
    assert clock.now == 7.0


async def test_a_throttled_write_is_done_again_as_often_as_it_takes(pace: Pace, clock: Clock):
    assert await pace.run(answers(*(throttled(1.0) for _ in range(50)), "done")) == "done"
    assert clock.now == 50.0


@pytest.mark.parametrize("delay", [0.0, 0.01])
async def test_an_upstream_that_says_at_once_again_and_again_is_asked_less_and_less(
    pace: Pace, clock: Clock, delay: float
):
    await pace.run(answers(throttled(delay), "done"))
    assert clock.now == pytest.approx(0.05)
    await pace.run(answers(*(throttled(delay) for _ in range(10)), "done"))
    assert clock.now == pytest.approx(0.05 + 0.05 + 0.1 + 0.2 + 0.4 + 6 * 0.8)


async def test_throttling_halves_the_pace_and_never_stops_it(pace: Pace):
    await pace.run(answers(throttled(1.0), "done"))
    assert 8 <= pace.allowed < 9
    await pace.run(answers(*(throttled(1.0) for _ in range(20)), "done"))
    assert 1 <= pace.allowed <= 2


async def test_writes_that_are_throttled_together_halve_it_once(pace: Pace):
    all_begun = asyncio.Barrier(16)

    def write() -> Callable[[], Awaitable[str]]:
        outcomes = answers(throttled(1.0), "done")
        first = True

        async def run() -> str:
            nonlocal first
            if first:
                first = False
                await all_begun.wait()
            return await outcomes()

        return run

    await asyncio.gather(*(pace.run(write()) for _ in range(16)))
    assert 8 <= pace.allowed < 11


async def test_while_a_delay_lasts_nobody_begins(pace: Pace, clock: Clock):
    begun: list[float] = []

    async def other() -> str:
        begun.append(clock.now)
        return "done"

    async def throttled_once() -> str:
        if not begun:
            await asyncio.sleep(0)
        return await outcomes()

    outcomes = answers(throttled(9.0), "done")
    first = asyncio.create_task(pace.run(throttled_once))
    while clock.now == 0.0 and not first.done() and pace.allowed == 16:
        await asyncio.sleep(0)
    await pace.run(other)
    await first
    assert begun == [9.0]


async def test_the_pace_grows_by_about_one_a_round(pace: Pace):
    await pace.run(answers(*(throttled(1.0) for _ in range(10)), "done"))
    before = pace.allowed
    for _ in range(int(before)):
        await pace.run(answers("done"))
    assert before + 0.5 < pace.allowed < before + 1.5
    for _ in range(1000):
        await pace.run(answers("done"))
    assert pace.allowed == 16


async def test_no_more_run_than_are_allowed():
    pace = Pace(3, lambda: None)
    running = most = 0

    async def write() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    await asyncio.gather(*(pace.run(write) for _ in range(50)))
    assert most == 3


async def test_a_throttled_write_fails_when_the_deadline_is_nearer_than_the_delay(clock: Clock):
    pace = Pace(16, lambda: 5.0 - clock.now, clock=clock, sleep=clock.sleep)
    with pytest.raises(TwinfrontError, match="No") as caught:
        await pace.run(answers(throttled(2.0), throttled(2.0), throttled(2.0)))
    assert (caught.value.reason, clock.now) == ("UPSTREAM_THROTTLED", 4.0)


async def test_an_outage_is_waited_for_a_few_times(pace: Pace, clock: Clock):
    outage = [unavailable() for _ in range(OUTAGE_RETRIES)]
    assert await pace.run(answers(*outage, "done")) == "done"
    assert clock.now >= 7.0
    with pytest.raises(TwinfrontError) as caught:
        await pace.run(answers(*outage, unavailable()))
    assert caught.value.reason == "UPSTREAM_UNAVAILABLE"


async def test_anything_else_fails_at_once(pace: Pace, clock: Clock):
    refused = TwinfrontError(Reason.VALIDATION_FAILED, "No.")
    with pytest.raises(TwinfrontError) as caught:
        await pace.run(answers(refused))
    assert (caught.value, clock.now, pace.allowed) == (refused, 0.0, 16.0)
