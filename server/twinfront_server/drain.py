"""Stops a server without cutting off its callers.

NOT_SERVING           load balancers are told, and have `drain_delay` to look elsewhere
calls are held        until no more come, since those who send them wait for an answer; a second at the most
the server stops      its clients are told to connect elsewhere; no connection is taken any more
held calls are told   they were not begun, so they can be tried again, which leads elsewhere
watches end           which would go on for ever
calls in flight end   they have `drain_grace`; other streams that can be gone on with, and writes that were not begun,
                      end when most of it is over
orphans end           writes whose callers are gone, in what is left of the grace, if they were begun
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import grpc.aio

from twinfront_server.health import Health
from twinfront_server.interceptors.chain import Chain
from twinfront_server.interceptors.draining import Draining
from twinfront_server.settings import Settings
from twinfront_server.upstream import Upstream

_SETTLING_SECONDS: Final = 0.5
"""Seconds that the last answers have to leave before streams without an end of their own (health watches) are cut."""

_SHARE_TO_END: Final = 0.8
"""Of the grace, how much calls have to end by themselves. In the rest streams end where they can be gone on with, and
writes that wait for their turn before they are begun."""

_HOLDING_LOOKS: Final = 20
_HOLDING_LOOK_SECONDS: Final = 0.05
_QUIET_LOOKS: Final = 4
"""How many looks in a row have to find nothing new: on a busy machine a call can take that long to get here."""


async def drain(
    server: grpc.aio.Server,
    chain: Chain,
    health: Health,
    upstream: Upstream,
    settings: Settings,
    hasten: asyncio.Event,
) -> None:
    """Stops serving: NOT_SERVING, then no new calls, then the end of those in flight.

    Args:
        server: the server.
        chain: what its calls go through.
        health: what is told of it.
        upstream: where writes may wait for their turn.
        settings: how long that may take.
        hasten: set by someone who does not want to wait; what is still in flight is then cancelled.
    """
    health.close()
    await _either(hasten.wait(), asyncio.sleep(settings.drain_delay))
    chain.draining.hold()
    await _either(hasten.wait(), _all_are_held(chain.draining))
    loop = asyncio.get_running_loop()
    end = loop.time() + settings.drain_grace
    stopping = asyncio.create_task(server.stop(settings.drain_grace))
    await asyncio.sleep(0)  # the clients are told to go elsewhere in its first step
    chain.draining.begin()
    ends = _end_early(chain.draining, upstream, settings.drain_grace * _SHARE_TO_END)
    await _either(hasten.wait(), _quiet(chain), asyncio.wait({stopping}), ends)
    await server.stop(None)
    await stopping
    # Writes whose callers are gone may still be under way; those that are not can be made elsewhere.
    upstream.end_waiting_writes()
    await _either(hasten.wait(), chain.recent_outcomes.idle(), asyncio.sleep(end - loop.time()))


async def _all_are_held(draining: Draining) -> None:
    """Returns when no more calls come, since those who send them wait for an answer, or when a second is over."""
    quiet = 0
    for _ in range(_HOLDING_LOOKS):
        held = draining.held
        await asyncio.sleep(_HOLDING_LOOK_SECONDS)
        quiet = quiet + 1 if draining.held == held else 0
        if quiet == _QUIET_LOOKS:
            return


async def _end_early(draining: Draining, upstream: Upstream, after: float) -> None:
    """Has what is still there after some seconds end in good order, if it can; never returns."""
    await asyncio.sleep(after)
    draining.end_streams()
    upstream.end_waiting_writes()
    await asyncio.Event().wait()


async def _quiet(chain: Chain) -> None:
    """Returns when no call is in flight and the last answers have left."""
    await chain.in_flight.idle()
    await asyncio.sleep(_SETTLING_SECONDS)


async def _either(*waits: Coroutine[Any, Any, object]) -> None:
    """Waits for the first of them and cancels the others."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
