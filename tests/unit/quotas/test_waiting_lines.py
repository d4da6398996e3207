"""Lines of those who wait for tokens: who is served when, and what becomes of those who leave."""

import asyncio
from collections.abc import Hashable

import pytest

from twinfront_server.quotas.waiting_lines import WaitingLines

from ...clock import Clock


@pytest.fixture(autouse=True)
async def clock(clock: Clock) -> Clock:
    clock.stand_still()
    return clock


class Line:
    """Lines with 10 tokens a second, and what is served in the order in which it is."""

    def __init__(self, rate: float = 10, burst: float = 0.1) -> None:
        self.lines = WaitingLines(rate, burst)
        self.served: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def come(self, *names: str, key: Hashable = "", caller: Hashable = None) -> None:
        for name in names:
            self.tasks[name] = asyncio.create_task(self._take(name, key, caller))
        await asyncio.sleep(0)

    async def _take(self, name: str, key: Hashable, caller: Hashable) -> None:
        await self.lines.take(key, caller)
        self.served.append(name)


async def test_a_burst_is_served_at_once_and_the_others_at_the_rate(clock: Clock):
    line = Line(burst=0.3)
    await line.come(*"abcdef")
    assert line.served == [*"abc"]
    await clock.advance(0.11)
    assert line.served == [*"abcd"]
    await clock.advance(0.2)
    assert line.served == [*"abcdef"]
    assert not line.lines._lines


async def test_without_callers_a_line_is_served_in_the_order_in_which_it_came(clock: Clock):
    line = Line()
    names = [str(number) for number in range(50)]
    await line.come(*names)
    await clock.advance(5.0)
    assert line.served == names


async def test_callers_take_turns_each_with_what_it_had_waiting_for_longest(clock: Clock):
    line = Line()
    await line.come("a0", "a1", "a2", "a3", caller="a")
    await line.come("b1", "b2", caller="b")
    await line.come("c1", caller="c")
    await clock.advance(1.0)
    assert line.served == ["a0", "a1", "b1", "c1", "a2", "b2", "a3"]


async def test_lines_of_two_keys_do_not_wait_for_each_other(clock: Clock):
    line = Line()
    await line.come(*[f"hot{number}" for number in range(20)], key="hot")
    await line.come("cold", key="cold")
    assert line.served == ["hot0", "cold"]
    await clock.advance(3.0)
    assert len(line.served) == 21


@pytest.mark.parametrize("rank", [0, 1, 2])
async def test_when_one_leaves_a_line_all_behind_it_move_up(clock: Clock, rank: int):
    line = Line()
    await line.come("first", "0", "1", "2", "last")
    line.tasks[str(rank)].cancel()
    await clock.advance(0.31)
    assert line.served == ["first", *[name for name in "012" if name != str(rank)], "last"]


async def test_a_storm_of_those_who_leave_costs_those_behind_no_time(clock: Clock):
    line = Line()
    names = [str(number) for number in range(10_000)]
    await line.come("first", *names, "last")
    assert line.lines.wait("") == pytest.approx(1000.2, abs=0.1)
    for name in names:
        line.tasks[name].cancel()
    await clock.advance(0.11)
    assert line.served == ["first", "last"]
    assert not line.lines._lines


async def test_a_line_that_everybody_left_is_forgotten_with_its_timer(clock: Clock):
    line = Line()
    await line.come("first", "one", "two")
    timer = line.lines._lines[""].timer
    for name in ("one", "two"):
        line.tasks[name].cancel()
    await clock.advance(0.01)
    assert not line.lines._lines
    assert timer.cancelled()
    await line.come("three")
    await clock.advance(0.1)
    assert line.served == ["first", "three"]


async def test_nobody_goes_past_a_line_though_a_token_is_there_at_the_moment(clock: Clock):
    line = Line()
    await line.come("first", "one")
    clock._ahead += 0.1  # there is a token, and the timer has not gone off yet
    assert not line.lines.take_at_once("")
    await line.come("two")
    await clock.advance(0.01)
    await clock.advance(0.11)
    assert line.served == ["first", "one", "two"]


async def test_the_wait_that_is_told_is_the_one_that_comes(clock: Clock):
    line = Line()
    await line.come("a0", "a1", "a2", "a3", caller="a")
    assert line.lines.wait("", "a") == pytest.approx(0.4, abs=0.01)
    assert line.lines.wait("", "b") == pytest.approx(0.2, abs=0.01)
    await line.come("b1", caller="b")
    await clock.advance(0.21)
    assert line.served[-1] == "b1"


async def test_a_held_line_goes_on_at_the_rate_when_the_time_is_over(clock: Clock):
    line = Line(burst=1.0)
    line.lines.hold("", 2.0)
    line.lines.hold("", 1.0)
    await line.come(*"abc")
    await clock.advance(1.9)
    assert line.served == []
    await clock.advance(0.11)
    assert line.served == ["a"]
    await clock.advance(0.2)
    assert line.served == [*"abc"]


async def test_a_line_with_some_waiting_can_be_held(clock: Clock):
    line = Line()
    await line.come(*"abc")
    line.lines.hold("", 2.0)
    await clock.advance(1.9)
    assert line.served == ["a"]
    await clock.advance(0.2)
    assert line.served == [*"abc"]


async def test_all_waiting_can_be_ended_each_with_an_error_of_its_own(clock: Clock):
    line = Line()
    await line.come("first", "one", "two")
    await line.come("three", "four", key="other")
    line.lines.end(lambda: ValueError("closed"))
    ends = await asyncio.gather(*line.tasks.values(), return_exceptions=True)
    errors = [end for end in ends if end is not None]
    assert [str(error) for error in errors] == ["closed"] * 3
    assert len(set(map(id, errors))) == 3
    await clock.advance(10)
    assert line.served == ["first", "three"]
    assert not line.lines._lines


async def test_a_rate_of_0_lets_all_go_on_at_once():
    line = Line(rate=0)
    await line.come(*[str(number) for number in range(1000)])
    assert len(line.served) == 1000
