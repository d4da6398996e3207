"""How long a server that stops holds calls back before it tells its clients to go elsewhere."""

import asyncio

import pytest

from twinfront_server.drain import _all_are_held
from twinfront_server.interceptors.draining import Draining

from ..clock import Clock


async def seconds_held(clock: Clock, arrivals: list[float]) -> float:
    """Lets calls be held at certain moments, and tells when that is enough."""
    draining = Draining()
    loop = asyncio.get_running_loop()
    start = loop.time()
    for number, moment in enumerate(arrivals, 1):
        loop.call_at(start + moment, setattr, draining, "held", number)

    async def held() -> float:
        await _all_are_held(draining)
        return loop.time() - start

    holding = asyncio.create_task(held())
    await asyncio.sleep(0)
    await clock.advance(10)
    return holding.result()


async def test_a_server_that_nobody_calls_holds_for_a_fifth_of_a_second(clock: Clock):
    assert await seconds_held(clock, []) == pytest.approx(0.2, abs=0.04)


async def test_calls_are_waited_for_until_none_has_come_for_a_fifth_of_a_second(clock: Clock):
    assert await seconds_held(clock, [0.12, 0.28]) == pytest.approx(0.5, abs=0.04)


async def test_calls_that_do_not_cease_are_waited_for_a_second(clock: Clock):
    assert await seconds_held(clock, [0.02 + 0.04 * number for number in range(100)]) == pytest.approx(1.0, abs=0.04)
