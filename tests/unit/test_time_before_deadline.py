"""How much of a call's time its work may take: the answer has to leave before the deadline."""

import asyncio

import pytest

from twinfront_server.call import LONGEST_WAIT, TIME_TO_ANSWER, TIME_TO_ASK, Call, is_time_for


def _call(seconds: float | None) -> Call:
    deadline = None if seconds is None else asyncio.get_running_loop().time() + seconds
    return Call("id", "twinfront.v1.DigitalTwinService/GetDigitalTwin", deadline)


async def test_work_without_a_deadline_is_not_bounded():
    assert _call(None).before_deadline().when() is None


@pytest.mark.parametrize("at_most", [None, 30])
async def test_work_ends_before_the_deadline(at_most: float | None):
    call = _call(10)
    assert call.deadline is not None
    assert call.before_deadline(at_most=at_most).when() == call.deadline - TIME_TO_ANSWER


@pytest.mark.parametrize("deadline", [None, 1000])
async def test_work_ends_when_it_has_taken_what_it_may(deadline: float | None):
    loop = asyncio.get_running_loop()
    start = loop.time()
    end = _call(deadline).before_deadline(at_most=30).when()
    assert end is not None
    assert start + 30 <= end <= loop.time() + 30


@pytest.mark.parametrize("seconds", [TIME_TO_ANSWER / 2, 0, -1])
async def test_work_that_begins_too_late_ends_at_once(seconds: float):
    with pytest.raises(TimeoutError):
        async with _call(seconds).before_deadline():
            await asyncio.sleep(10)


async def test_without_a_deadline_there_is_time_for_the_longest_wait_and_none_beyond():
    assert _call(None).has_time_for(LONGEST_WAIT)
    assert not _call(None).has_time_for(LONGEST_WAIT + 0.1)


@pytest.mark.parametrize(
    ("wait", "remaining", "is_time"), [(1, 1 + 2 * TIME_TO_ASK, True), (1, 1, False), (0, 0, False)]
)
def test_after_a_wait_there_has_to_be_time_to_ask(wait: float, remaining: float, is_time: bool):
    assert is_time_for(wait, remaining) is is_time
