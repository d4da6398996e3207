"""Settling writes whose answers were lost.

A write is sent once. If its answer does not come, it may have been applied, and sending it again blindly would make it
meet itself: a conflict, something that is there already, something that is gone. So the resource is read first, and
the rule of the operation judges by what is there; see `rules`.

What a write that was sent again is refused with may be its own doing, so the resource is judged once more before
anybody hears of it:

    judge:  APPLIED     the caller hears of its success
            UNCLEAR     OUTCOME_UNKNOWN
            REPEATABLE  wait, send again:  answered  the caller hears the answer
                                           lost      judge again, `MAX_REPEATS` times at the most
                                           refused   judge:  APPLIED     the caller hears of its success
                                                             REPEATABLE  the caller hears the refusal
                                                             UNCLEAR     OUTCOME_UNKNOWN
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

from twinfront_server.adt.answer import Answer
from twinfront_server.adt.expected_answer import expecting_answer
from twinfront_server.call import current_call
from twinfront_server.errors import TwinfrontError
from twinfront_server.reasons import Reason
from twinfront_server.upstream.reads import Reads
from twinfront_server.upstream.settling.rules import Ruling, Verdict, judge
from twinfront_server.upstream.settling.sent_writes import SentWrite, SentWrites

MAX_REPEATS: Final = 6
"""How often a write is sent again."""

LONGEST: Final = 30.0
"""Seconds that settling takes at the most; less if the call's deadline is nearer."""

_FIRST_BACKOFF: Final = 0.05
_LONGEST_BACKOFF: Final = 2.0
_LOST: Final = frozenset({Reason.OUTCOME_UNKNOWN, Reason.UPSTREAM_UNAVAILABLE, Reason.UPSTREAM_THROTTLED})


async def settle(
    reads: Reads,
    writes: SentWrites,
    write: SentWrite,
    send: Callable[[], Awaitable[Answer]],
    lost: TwinfrontError,
    count: Callable[[str], None],
) -> Answer:
    """Finds out what became of a write whose answer was lost, and gives its answer.

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
    outcome = "unknown"
    try:
        async with current_call().before_deadline(at_most=LONGEST):
            answer, outcome = await _settle(reads, writes, write, send, lost)
    except TimeoutError:
        raise lost from None
    except TwinfrontError as error:
        if error is not lost:
            outcome = "repeated"
            if write.asked.needs_authorship:
                writes.refused(write)
        raise
    finally:
        count(outcome)
    if outcome == "repeated" or write.asked.needs_authorship:
        writes.answered(write, answer)
    return answer


async def _settle(
    reads: Reads, writes: SentWrites, write: SentWrite, send: Callable[[], Awaitable[Answer]], lost: TwinfrontError
) -> tuple[Answer, str]:
    for repeat in range(MAX_REPEATS):
        verdict = await _judge(reads, writes, write, lost)
        if verdict.ruling is Ruling.APPLIED:
            return verdict.answer, "applied"
        if verdict.ruling is Ruling.UNCLEAR:
            raise lost
        await asyncio.sleep(min(_FIRST_BACKOFF * 4**repeat, _LONGEST_BACKOFF) * random.uniform(0.5, 1.0))  # noqa: S311  (jitter, no secret)
        try:
            return await send(), "repeated"
        except TwinfrontError as error:
            if error.reason in _LOST:
                continue
            refusal = error
        verdict = await _judge(reads, writes, write, lost)
        if verdict.ruling is Ruling.APPLIED:
            return verdict.answer, "applied"
        raise (refusal if _is_genuine(refusal, write, verdict) else lost) from None
    verdict = await _judge(reads, writes, write, lost)
    if verdict.ruling is Ruling.APPLIED:
        return verdict.answer, "applied"
    raise lost


def _is_genuine(refusal: TwinfrontError, write: SentWrite, verdict: Verdict) -> bool:
    """Tells whether a refusal has nothing to do with the write's having been applied before."""
    # An etag that is refused and read is one that the upstream is not of one mind about.
    refused_and_read = refusal.reason is Reason.ETAG_MISMATCH and verdict.answer.etag == write.asked.if_match
    return verdict.ruling is Ruling.REPEATABLE and not refused_and_read


async def _judge(reads: Reads, writes: SentWrites, write: SentWrite, lost: TwinfrontError) -> Verdict:
    try:
        with expecting_answer():
            return await judge(reads, writes, write)
    except TwinfrontError:
        raise lost from None
