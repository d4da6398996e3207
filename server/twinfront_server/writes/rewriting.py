"""Writing what depends on what is stored: read, work out the change, write it under the etag that was read."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Final

from twinfront_server.adt.body import Body
from twinfront_server.adt.json_text import parse_answer
from twinfront_server.adt.twin_json import METADATA, Document
from twinfront_server.call import current_call
from twinfront_server.errors import (
    TwinfrontError,
    begun_elsewhere,
    etag_mismatch,
    too_many_writers,
    upstream_answer_unexpected,
)
from twinfront_server.large_requests import work
from twinfront_server.reasons import Reason
from twinfront_server.upstream import Answer, Upstream

MAX_CONFLICTS: Final = 12
"""How often other writers can be faster before the call gives up."""

_FIRST_WAIT: Final = 0.01
_LONGEST_WAIT: Final = 0.5

Change = Callable[[Document], Body | None]
"""The JSON Patch for a stored twin; None if there is nothing to write."""


@dataclass(frozen=True, slots=True)
class Rewritten:
    """The state of a twin afterwards: its etag, and whether it was written to."""

    etag: str
    changed: bool


async def rewrite(
    upstream: Upstream,
    digital_twin_id: str,
    change: Change,
    *,
    if_match: str,
    any_author_counts: bool = False,
    large: bool,
) -> Rewritten:
    """Changes a twin in a way that depends on what it is.

    Args:
        upstream: where the twin is.
        digital_twin_id: its id.
        change: works out what to send; called once more after each conflict with another writer.
        if_match: the caller's condition; only without an etag is there a second attempt.
        any_author_counts: whether a patch whose answer is lost may count as applied if another write has brought about
            the same.
        large: whether the change takes long to work out.

    Raises:
        TwinfrontError: TWIN_NOT_FOUND, ETAG_MISMATCH, what `change` raises, and whatever keeps a patch from being
            applied.
    """
    conflicts = 0
    while True:
        read = await read_twin(upstream, digital_twin_id, if_match=if_match)
        body = await work(partial(change, stored_twin(read)), large=large)
        if body is None:
            return Rewritten(read.etag, changed=False)
        try:
            written = await upstream.twins.patch(
                digital_twin_id, body, if_match=read.etag, any_author_counts=any_author_counts
            )
        except TwinfrontError as error:
            if error.reason is not Reason.ETAG_MISMATCH or names_etag(if_match):
                raise
            conflicts += 1
            if conflicts == MAX_CONFLICTS:
                raise too_many_writers(error, MAX_CONFLICTS) from error
        else:
            return Rewritten(written.etag, changed=True)
        longest = min(_LONGEST_WAIT, _FIRST_WAIT * 2**conflicts)
        await asyncio.sleep(random.uniform(0.0, longest))  # noqa: S311  (jitter, no secret)


async def read_twin(upstream: Upstream, digital_twin_id: str, *, if_match: str) -> Answer:
    """Reads a twin that has to meet a condition.

    Raises:
        TwinfrontError: TWIN_NOT_FOUND; ETAG_MISMATCH with the current etag. OUTCOME_UNKNOWN in place of them if an
            earlier attempt may be why.
    """
    path, ids = f"digitaltwins/{digital_twin_id}", {"digital_twin_id": digital_twin_id}
    may_be_own = current_call().earlier_attempt is not None
    try:
        read = await upstream.twins.get(digital_twin_id)
    except TwinfrontError as error:
        if may_be_own and error.reason is Reason.TWIN_NOT_FOUND:
            raise begun_elsewhere(path, ids) from error
        raise
    if not read.etag:
        raise upstream_answer_unexpected(HTTPStatus.OK)
    if names_etag(if_match) and if_match != read.etag:
        if may_be_own:
            raise begun_elsewhere(path, ids)
        raise etag_mismatch(path, expected=if_match, current=read.etag, metadata=ids)
    return read


def stored_twin(answer: Answer) -> Document:
    """Gives the twin that the upstream answered.

    Raises:
        TwinfrontError: UPSTREAM_ANSWER_UNEXPECTED if it is none.
    """
    document = parse_answer(answer.body)
    if type(document) is not dict or type(document.get(METADATA)) is not dict:
        raise upstream_answer_unexpected(HTTPStatus.OK)
    return document


def names_etag(if_match: str) -> bool:
    """Tells whether a condition asks for one state, and not for any or none."""
    return if_match not in {"", "*"}
