"""Work about the same thing is done in its order, and other work side by side."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from twinfront_server.graph.ordering import Ordering

WORKERS = 4


class Log:
    """Work that ends when it is told, and what has begun and ended so far."""

    def __init__(self, ordering: Ordering) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self._ordering = ordering
        self._may_end: dict[str, asyncio.Event] = {}

    async def submit(self, name: str, *, alone: str = "", shared: str = "", size: int = 1) -> None:
        self._may_end[name] = asyncio.Event()

        async def run() -> None:
            self.begun.append(name)
            await self._may_end[name].wait()
            self.ended.append(name)

        await self._ordering.submit(run, size=size, alone=alone, shared=shared)
        await settle()

    async def end(self, *names: str) -> None:
        for name in names:
            self._may_end[name].set()
        await settle()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
async def ordering() -> AsyncIterator[Ordering]:
    ordering = Ordering(max_pending=10, max_pending_bytes=100)
    workers = [asyncio.create_task(ordering.work()) for _ in range(WORKERS)]
    yield ordering
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)


@pytest.fixture
def log(ordering: Ordering) -> Log:
    return Log(ordering)


async def test_work_about_different_things_is_done_side_by_side(log: Log):
    await log.submit("first", alone="a")
    await log.submit("second", alone="b")
    assert log.begun == ["first", "second"]


async def test_work_about_the_same_thing_waits(log: Log):
    for name in ("first", "second", "third"):
        await log.submit(name, alone="a")
    assert log.begun == ["first"]
    await log.end("first")
    assert log.begun == ["first", "second"]
    await log.end("second", "third")
    assert log.ended == ["first", "second", "third"]


async def test_what_is_shared_waits_for_who_has_it_alone_and_not_for_each_other(log: Log):
    await log.submit("source", alone="a")
    await log.submit("target", alone="b")
    await log.submit("edge", shared="ab")
    await log.submit("other edge", shared="ab")
    await log.end("source")
    assert log.begun == ["source", "target"]
    await log.end("target")
    assert log.begun == ["source", "target", "edge", "other edge"]


async def test_who_wants_a_thing_alone_waits_for_all_that_share_it(log: Log):
    await log.submit("edge", shared="ab")
    await log.submit("other edge", shared="bc")
    await log.submit("twin", alone="b")
    await log.submit("later edge", shared="b")
    await log.end("edge")
    assert log.begun == ["edge", "other edge"]
    await log.end("other edge")
    assert log.begun == ["edge", "other edge", "twin"]
    await log.end("twin")
    assert log.begun[-1] == "later edge"


async def test_work_may_share_with_itself(log: Log):
    await log.submit("loop", shared="aa")
    await log.submit("same", alone="a", shared="a")
    assert log.begun == ["loop"]
    await log.end("loop", "same")
    assert log.ended == ["loop", "same"]


async def test_no_more_than_the_workers_is_begun(log: Log):
    for name in "abcdef":
        await log.submit(name, alone=name)
    assert log.begun == list("abcd")


async def test_too_much_work_is_not_taken_in(log: Log):
    for number in range(10):
        await log.submit(str(number), alone="a")
    waiting = asyncio.create_task(log.submit("one more", alone="b"))
    await settle()
    assert log.begun == ["0"]
    await log.end("0")
    await waiting
    assert log.begun == ["0", "1", "one more"]


async def test_too_many_bytes_are_not_taken_in_but_one_that_is_larger_alone_is(log: Log):
    await log.submit("large", alone="a", size=1000)
    waiting = asyncio.create_task(log.submit("small", alone="b", size=1))
    await settle()
    assert log.begun == ["large"]
    await log.end("large")
    await waiting
    assert log.begun == ["large", "small"]


async def test_nothing_is_remembered_of_work_that_has_ended(ordering: Ordering, log: Log):
    await log.submit("edge", alone="e", shared="ab")
    await log.submit("twin", alone="a")
    idle = asyncio.create_task(ordering.idle())
    await log.end("edge")
    assert not idle.done()
    await log.end("twin")
    await idle
    assert (ordering.is_idle, ordering._lanes) == (True, {})
