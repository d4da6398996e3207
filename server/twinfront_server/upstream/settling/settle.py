"""Settling writes whose answers were lost.

A write is sent once. If its answer does not come, it may have been applied, and sending it again blindly would make it
meet itself: a conflict, something that is there already, something that is gone. So the resource is read first, and
the rule of the operation says what its state means; see `rules`.

What a write that was sent again is refused with may be its own doing, so it goes through the same rule before anybody
hears of it.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

from twinfront_server.adt.answer import Answer
from twinfront_server.call import current_call
from twinfront_server.errors import TwinfrontError
from twinfront_server.upstream.settling.reads import Reads
from twinfront_server.upstream.settling.rules import Found, State, look
from twinfront_server.upstream.settling.sent_writes import SentWrite, SentWrites

MAX_REPEATS: Final = 6
"""How often a write is sent again."""

LONGEST: Final = 30.0
"""Seconds that settling takes at the most; less if the call's deadline is nearer."""

_FIRST_BACKOFF: Final = 0.05
_LONGEST_BACKOFF: Final = 2.0
_MARGIN: Final = 0.1
_LOST: Final = frozenset({"OUTCOME_UNKNOWN", "UPSTREAM_UNAVAILABLE", "UPSTREAM_THROTTLED"})


async def settle(
    reads: Reads,
    writes: SentWrites,
    write: SentWrite,
    send: Callable[[], Awaitable[Answer]],
    lost: TwinfrontError,
    count: Callable[[str], None],
) -> Answer:
    """The answer of a write whose answer was lost.

    Args:
        reads: where to look.
        writes: told of what became of the write, if it is certain.
        write: the write.
        send: sends it once more.
        lost: the error that says so.
        count: told how it was settled: `applied`, `repeated` or `unknown`.

    Raises:
        TwinfrontError: `lost` if it cannot be settled in time, or what the write is refused with.
    """
    remaining = current_call().remaining()
    bound = LONGEST if remaining is None else min(LONGEST, max(0.0, remaining - _MARGIN))
    outcome = "unknown"
    try:
        async with asyncio.timeout(bound):
            answer, outcome = await _settle(reads, writes, write, send, lost)
    except TimeoutError:
        raise lost from None
    except TwinfrontError as error:
        if error is not lost:
            outcome = "repeated"
            if write.asked.is_exclusive:
                writes.refused(write)
        raise
    finally:
        count(outcome)
    if outcome == "repeated" or write.asked.is_exclusive:
        writes.answered(write, answer)
    return answer


async def _settle(
    reads: Reads, writes: SentWrites, write: SentWrite, send: Callable[[], Awaitable[Answer]], lost: TwinfrontError
) -> tuple[Answer, str]:
    for repeat in range(MAX_REPEATS):
        found = await _look(reads, writes, write, lost)
        if found.state is State.APPLIED:
            return found.answer, "applied"
        if found.state is State.UNCLEAR:
            raise lost
        await asyncio.sleep(min(_FIRST_BACKOFF * 4**repeat, _LONGEST_BACKOFF) * random.uniform(0.5, 1.0))  # noqa: S311
        try:
            return await send(), "repeated"
        except TwinfrontError as error:
            if error.reason in _LOST:
                continue
            refusal = error
        found = await _look(reads, writes, write, lost)
        if found.state is State.APPLIED:
            return found.answer, "applied"
        raise (refusal if _is_true(refusal, write, found) else lost) from None
    found = await _look(reads, writes, write, lost)
    if found.state is State.APPLIED:
        return found.answer, "applied"
    raise lost


def _is_true(refusal: TwinfrontError, write: SentWrite, found: Found) -> bool:
    """Whether a refusal has nothing to do with the write's having been applied before."""
    # An etag that is refused and read is one that the upstream is not of one mind about.
    refused_and_read = refusal.reason == "ETAG_MISMATCH" and found.answer.etag == write.asked.if_match
    return found.state is State.REPEATABLE and not refused_and_read


async def _look(reads: Reads, writes: SentWrites, write: SentWrite, lost: TwinfrontError) -> Found:
    try:
        return await look(reads, writes, write)
    except TwinfrontError:
        raise lost from None
