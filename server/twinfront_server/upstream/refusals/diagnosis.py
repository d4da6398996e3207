"""Adds to a refusal what another look shows: the current etag, the relationships in the way of a deletion."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from google.rpc.error_details_pb2 import PreconditionFailure

from twinfront.v1.error_details_pb2 import EtagConflict, RelationshipsBlockingDelete
from twinfront_server.adt.answer import Answer, Page
from twinfront_server.adt.expected_answer import expecting_answer
from twinfront_server.call import current_call
from twinfront_server.errors import TwinfrontError, shortened
from twinfront_server.reasons import Reason
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.reads import Reads, document
from twinfront_server.upstream.settling.sent_writes import SentWrites

LISTED_BLOCKERS: Final = 20
"""How many relationships a blocked delete names; their numbers are told whole."""

_GONE: Final = {
    Reason.TWIN_NOT_FOUND: operations.DELETE_DIGITAL_TWIN,
    Reason.RELATIONSHIP_NOT_FOUND: operations.DELETE_RELATIONSHIP,
}
"""Operations that explain, when they were applied late, why a resource is gone."""

_UNANSWERED: Final = "An earlier write through this server, which ended without an answer, may be the reason."


@dataclass(slots=True)
class _Blockers:
    """Relationships of one direction: the first ones, how many there are, whether there may be more."""

    first: list[dict[str, Any]] = field(default_factory=list)
    count: int = 0
    complete: bool = False


async def diagnose(reads: Reads, writes: SentWrites, error: TwinfrontError, asked: Asked) -> TwinfrontError:
    """Adds to an error what takes another look at the upstream, and at what this process has sent there.

    What cannot be read leaves its detail empty: the error itself is never replaced by one that came up on the way.
    """
    if error.reason is Reason.ETAG_MISMATCH:
        current = await _current(reads, asked)
        for detail in error.details:
            if isinstance(detail, EtagConflict) and current is not None:
                detail.current_etag = current.etag
        if current is not None and _is_explained(writes, asked, current):
            _explain(error)
    elif asked.operation.write and error.reason in _GONE:
        gone = Asked(_GONE[error.reason], asked.ids)
        if writes.may_have_left(gone.path, None):
            _explain(error)
    elif error.reason is Reason.TWIN_HAS_RELATIONSHIPS and "digital_twin_id" in asked.ids:
        error.details += await _blocking_relationships(reads, asked)
    return error


async def _current(reads: Reads, asked: Asked) -> Answer | None:
    """Reads the resource as it is now; None if it cannot be read."""
    try:
        async with current_call().before_deadline():
            return await reads.resource(asked)
    except (TwinfrontError, TimeoutError):
        return None


def _is_explained(writes: SentWrites, asked: Asked, current: Answer) -> bool:
    try:
        with expecting_answer():
            return writes.may_have_left(asked.path, document(current))
    except TwinfrontError:
        return False


def _explain(error: TwinfrontError) -> None:
    """Says that it was no stranger, as far as can be told: the caller's own earlier call, it may be."""
    error.message = shortened(f"{error.message} {_UNANSWERED}")


async def _blocking_relationships(
    reads: Reads, asked: Asked
) -> list[RelationshipsBlockingDelete | PreconditionFailure]:
    twin_id = asked.ids["digital_twin_id"]
    outgoing, incoming = await asyncio.gather(
        _count(lambda link: reads.relationships(twin_id, "", link)),
        _count(lambda link: reads.incoming_relationships(twin_id, link)),
    )
    half = LISTED_BLOCKERS // 2
    listed_outgoing = outgoing.first[: max(half, LISTED_BLOCKERS - len(incoming.first))]
    listed_incoming = incoming.first[: LISTED_BLOCKERS - len(listed_outgoing)]
    blocking = RelationshipsBlockingDelete(
        outgoing_total=outgoing.count,
        incoming_total=incoming.count,
        counts_are_lower_bounds=not (outgoing.complete and incoming.complete),
    )
    for listed, items in ((blocking.outgoing, listed_outgoing), (blocking.incoming, listed_incoming)):
        for item in items:
            listed.add(
                relationship_id=_text(item, "$relationshipId"),
                source_id=_text(item, "$sourceId"),
                target_id=_text(item, "$targetId") if "$targetId" in item else twin_id,
                name=_text(item, "$relationshipName"),
            )
    violations = [
        PreconditionFailure.Violation(
            type=Reason.TWIN_HAS_RELATIONSHIPS,
            subject=asked.path,
            description=f"{found.count} {direction} relationship{'' if found.count == 1 else 's'} to be deleted first",
        )
        for direction, found in (("outgoing", outgoing), ("incoming", incoming))
        if found.count
    ]
    return [blocking, PreconditionFailure(violations=violations)]


async def _count(fetch: Callable[[str], Awaitable[Page]]) -> _Blockers:
    """Walks through all pages, as far as the caller's deadline allows."""
    found, link = _Blockers(), ""
    try:
        async with current_call().before_deadline():
            while not found.complete:
                page = await fetch(link)
                found.count += len(page.items)
                found.first += page.items[: LISTED_BLOCKERS - len(found.first)]
                link = page.next_link
                found.complete = not link
    except (TwinfrontError, TimeoutError):
        pass
    return found


def _text(item: Mapping[str, Any], name: str) -> str:
    """Gives a member of a relationship; empty if the upstream answered it without, or with what is no text."""
    text = item.get(name)
    return text if isinstance(text, str) else ""
