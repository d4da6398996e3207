"""When a call has to end so that its caller still gets a typed answer."""

import asyncio
from typing import Any, cast

import grpc
import pytest

from twinfront_server.call import Call
from twinfront_server.errors import TwinfrontError
from twinfront_server.interceptors.deadline import bound
from twinfront_server.interceptors.link import Context, Method

DEFAULT, MAXIMUM = 30.0, 300.0


class CallersDeadline:
    """Says how many seconds the caller gives, as the context of an RPC does."""

    def __init__(self, seconds: float | None) -> None:
        self._seconds = seconds

    def time_remaining(self) -> float | None:
        return self._seconds


async def seconds_given(seconds: float | None) -> float:
    """Serves a call that is over at once, and gives the time that it had."""
    start = asyncio.get_running_loop().time()

    async def proceed(call: Call, _request: Any, _context: Context) -> float:
        assert call.deadline is not None
        return call.deadline - start

    call = Call(call_id="", method="", deadline=None)
    method = Method("test.Echo", "Unary", request_streaming=False, response_streaming=False)
    given: float = await bound(DEFAULT, MAXIMUM)(proceed, method)(call, None, cast("Context", CallersDeadline(seconds)))
    return given


@pytest.mark.parametrize(
    ("seconds", "given"),
    [
        (0.4, 0.4 - 0.04 - 0.004),
        (1.0, 1.0 - 0.05 - 0.01),
        (100.0, 100.0 - 0.05 - 1.0),
        (None, DEFAULT - 0.05 - 0.3),
        (1000.0, MAXIMUM - 0.05 - 3.0),
    ],
)
async def test_a_call_ends_a_little_before_its_deadline(seconds: float | None, given: float):
    assert given <= await seconds_given(seconds) < given + 0.03


async def test_a_call_of_40_ms_has_most_of_them():
    assert await seconds_given(0.04) > 0.035


@pytest.mark.parametrize("seconds", [0.0, -1.0])
async def test_a_call_whose_time_was_up_before_it_came_is_not_begun(seconds: float):
    with pytest.raises(TwinfrontError) as refused:
        await seconds_given(seconds)
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")
