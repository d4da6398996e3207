"""Callers take turns at being worked on, and none takes all places."""

import asyncio
from collections.abc import Iterable

import pytest

from twinfront_server.quotas.turns import Turns


class Work:
    """Calls that take turns, in the order in which they are begun; each ends when it is told to."""

    def __init__(self, places: int) -> None:
        self.turns = Turns(places)
        self.begun: list[str] = []
        self.calls: dict[str, asyncio.Task[None]] = {}
        self._ends: dict[str, asyncio.Event] = {}

    async def come(self, *calls: str) -> None:
        """Has calls come, named by their caller and a number: `a1`."""
        for call in calls:
            self._ends[call] = asyncio.Event()
            self.calls[call] = asyncio.create_task(self._serve(call))
        await self.settle()

    async def end(self, call: str) -> None:
        self._ends[call].set()
        await self.settle()

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def end_in_order(self) -> None:
        """Ends the calls one by one, those that began first."""
        ended = 0
        while ended < len(self.begun):
            await self.end(self.begun[ended])
            ended += 1

    async def _serve(self, call: str) -> None:
        await self.turns.take(call[0])
        try:
            self.begun.append(call)
            await self._ends[call].wait()
        finally:
            self.turns.give_back(call[0])


def numbered(caller: str, count: int) -> Iterable[str]:
    return [f"{caller}{number}" for number in range(1, count + 1)]


async def test_a_caller_alone_has_half_of_the_places():
    work = Work(8)
    await work.come(*numbered("a", 20))
    assert work.begun == numbered("a", 4)
    assert work.turns.waiting == 16


async def test_a_caller_that_was_quiet_waits_for_none_of_the_calls_before_it():
    work = Work(8)
    await work.come(*numbered("a", 3000))
    await work.come("b1")
    assert work.begun[-1] == "b1"


async def test_two_callers_with_calls_that_wait_take_turns():
    work = Work(2)
    await work.come(*numbered("a", 100), *numbered("b", 4))
    await work.end_in_order()
    first = "".join(call[0] for call in work.begun[:8])
    assert first in {"abababab", "babababa"}
    assert len(work.begun) == 104


async def test_callers_share_the_places_evenly_however_many_calls_each_has_waiting():
    work = Work(12)
    await work.come(*numbered("a", 50), *numbered("b", 500), *numbered("c", 5000))
    for _ in range(30):  # what each had before the others came ends
        await work.end(work.begun[_])
    at_work = [call[0] for call in work.begun[30:]]
    assert [at_work.count(caller) for caller in "abc"] == [3, 3, 3]


async def test_the_calls_of_one_caller_are_begun_in_their_order():
    work = Work(4)
    await work.come(*numbered("a", 30))
    await work.end_in_order()
    assert work.begun == numbered("a", 30)


async def test_more_callers_than_places_all_get_their_turn():
    work = Work(2)
    await work.come(*(f"{caller}{number}" for number in (1, 2) for caller in "abcdefgh"))
    await work.end_in_order()
    assert [call[0] for call in work.begun[:8]] == list("abcdefgh")
    assert sorted(work.begun) == sorted(work.calls)


async def test_all_places_are_free_again_in_the_end():
    work = Work(6)
    await work.come(*numbered("a", 20), *numbered("b", 20))
    await work.end_in_order()
    await work.come(*numbered("c", 20))
    assert work.begun[-3:] == numbered("c", 3)
    await work.end_in_order()
    assert (work.turns._waiting, work.turns._held) == ({}, {})


async def test_a_call_that_is_given_up_while_it_waits_takes_no_turn():
    work = Work(2)
    await work.come("a1", "a2", "a3")
    work.calls["a2"].cancel()
    await work.settle()
    assert work.turns.waiting == 1
    await work.end("a1")
    assert work.begun == ["a1", "a3"]


async def test_a_call_that_is_given_up_as_its_turn_comes_passes_it_on():
    work = Work(2)
    await work.come("a1", "a2", "a3")
    work._ends["a1"].set()
    await asyncio.sleep(0)  # a1 has ended, and a2 does not know yet that it is next
    work.calls["a2"].cancel()
    await work.settle()
    assert work.begun == ["a1", "a3"]


async def test_the_last_of_the_longest_queue_makes_room():
    work = Work(2)
    await work.come(*numbered("a", 3), *numbered("b", 5))
    assert work.turns.drop_from_longest(3, RuntimeError("full"))
    await work.settle()
    with pytest.raises(RuntimeError, match="full"):
        await work.calls["b5"]
    await work.end_in_order()
    assert len(work.begun) == 7


async def test_nobody_makes_room_for_one_who_has_as_many_waiting():
    work = Work(2)
    await work.come(*numbered("a", 3))
    assert not work.turns.drop_from_longest(2, RuntimeError())
    assert work.turns.waiting == 2
