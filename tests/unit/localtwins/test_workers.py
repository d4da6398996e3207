"""Where work runs, by what it is expected to take."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import pytest

from localtwins.errors import AdtError
from localtwins.workers import LOOP_SECONDS, CallerGoneError, Workers, checkpoint

LARGE = 2 * LOOP_SECONDS


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    workers = Workers()
    yield workers
    await asyncio.to_thread(workers.close)


async def test_small_work_stays_in_the_loop(workers: Workers):
    assert await workers.run(threading.current_thread, expected=LOOP_SECONDS) is threading.current_thread()


async def test_large_work_leaves_the_loop_which_goes_on(workers: Workers):
    released = threading.Event()
    work = asyncio.ensure_future(workers.run(lambda: (released.wait(10), threading.current_thread()), expected=LARGE))
    await asyncio.sleep(0)
    released.set()  # by the loop, while the work waits for it
    assert (await work)[0]
    assert (await work)[1] is not threading.current_thread()


async def test_what_work_raises_is_raised_to_its_caller(workers: Workers):
    for expected in (0.0, LARGE):
        with pytest.raises(ZeroDivisionError):
            await workers.run(lambda: 1 / 0, expected=expected)


async def test_work_whose_caller_is_gone_stops_at_its_next_checkpoint(workers: Workers):
    begun, stopped = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        try:
            while True:
                checkpoint()
                time.sleep(0.001)
        except CallerGoneError:
            stopped.set()
            raise

    caller = asyncio.ensure_future(workers.run(work, expected=LARGE))
    await asyncio.to_thread(begun.wait, 10)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert await asyncio.to_thread(stopped.wait, 10)


async def test_work_that_waits_when_its_caller_goes_never_begins(workers: Workers):
    released, ran = threading.Event(), threading.Event()
    first = asyncio.ensure_future(workers.run(released.wait, expected=LARGE))
    second = asyncio.ensure_future(workers.run(ran.set, expected=LARGE))
    await asyncio.sleep(0.01)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    await asyncio.sleep(0)
    released.set()
    await first
    await workers.run(lambda: None, expected=LARGE)
    assert not ran.is_set()


async def test_more_work_than_may_wait_is_refused_at_once_with_the_promise_that_nothing_was_changed(workers: Workers):
    released = threading.Event()
    waiting = [asyncio.ensure_future(workers.run(released.wait, expected=LARGE)) for _ in range(32)]
    await asyncio.sleep(0)
    with pytest.raises(AdtError) as refusal:
        await workers.run(lambda: None, expected=LARGE)
    assert (refusal.value.status, refusal.value.retry_after, refusal.value.unchanged) == (503, 1, True)
    assert await workers.run(lambda: "small", expected=0) == "small"
    released.set()
    await asyncio.gather(*waiting)
    assert await workers.run(lambda: "large", expected=LARGE) == "large"


def test_a_checkpoint_outside_of_large_work_does_nothing():
    checkpoint()
