"""Deleting a digital twin together with its relationships."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from twinfront_server.adt.expected_answer import expects_answer
from twinfront_server.call import current_call
from twinfront_server.concurrency import for_each
from twinfront_server.errors import TwinfrontError, shortened
from twinfront_server.reasons import Reason
from twinfront_server.upstream import Page, Upstream
from twinfront_server.upstream.pacing import Pace
from twinfront_server.writes.rewriting import read_twin

MAX_ROUNDS: Final = 5
"""How often all relationships are deleted: others may make new ones in the meantime."""

_GONE: Final = frozenset({Reason.RELATIONSHIP_NOT_FOUND, Reason.TWIN_NOT_FOUND})
"""Reasons that mean that somebody else has deleted a relationship, be it on the way to deleting its source."""


@dataclass(slots=True)
class Detached:
    """How many relationships are gone, by direction; one from the twin to itself is outgoing."""

    outgoing: int = 0
    incoming: int = 0

    def explain(self, error: TwinfrontError) -> TwinfrontError:
        """Adds to an error what was done before it: counts in its metadata, and in its text."""
        if not (self.outgoing or self.incoming):
            return error
        explained = error.renewed()
        explained.message = shortened(
            f"The twin, if it is still there, is without the {self.outgoing} outgoing and {self.incoming} incoming "
            f"relationships that were deleted before this: {error.message}"
        )
        explained.metadata |= {
            "outgoing_relationships_deleted": str(self.outgoing),
            "incoming_relationships_deleted": str(self.incoming),
        }
        return explained

    def count(self, digital_twin_id: str, relationship: dict[str, Any]) -> None:
        """Adds one relationship."""
        if _ids(relationship)[0] == digital_twin_id:
            self.outgoing += 1
        else:
            self.incoming += 1


async def detach_and_delete(
    upstream: Upstream, digital_twin_id: str, detached: Detached, *, if_match: str, pace: Pace, concurrency: int
) -> None:
    """Deletes a twin and before it its relationships; in a dry run it only counts them.

    Args:
        upstream: where the twin is.
        digital_twin_id: its id.
        detached: where relationships are counted as they go, so that what an error leaves is known too.
        if_match: the caller's condition, checked before anything is deleted and again with the twin.
        pace: runs the requests.
        concurrency: how many deletions wait for their turn at a time.

    Raises:
        TwinfrontError: TWIN_NOT_FOUND or ETAG_MISMATCH, in general with nothing deleted; TWIN_HAS_RELATIONSHIPS if
            others are faster in making relationships than this in deleting them; what keeps one from being deleted.
            Once relationships are deleted the error tells how many. One that the caller may not delete keeps the twin,
            and the others too.
    """
    await read_twin(upstream, digital_twin_id, if_match=if_match)
    if current_call().validate_only:
        is_whole = await _count(upstream, digital_twin_id, detached, pace)
        if not (is_whole and (detached.outgoing or detached.incoming)):
            await upstream.twins.delete(digital_twin_id, if_match=if_match)
        # Else the upstream would refuse: to it the relationships are there.
        return
    if current_call().scope.is_limited and not await _count(upstream, digital_twin_id, Detached(), pace):
        # Relationships that the caller may not delete will keep the twin: that is told with the others in place.
        await upstream.twins.delete(digital_twin_id, if_match=if_match)
        return

    try:
        await _detach_and_delete(upstream, digital_twin_id, detached, if_match, pace, concurrency)
    except TwinfrontError as error:
        raise detached.explain(error) from error


async def _detach_and_delete(
    upstream: Upstream, digital_twin_id: str, detached: Detached, if_match: str, pace: Pace, concurrency: int
) -> None:
    async def delete(relationship: dict[str, Any]) -> None:
        if await pace.run(partial(_delete_relationship, upstream, relationship)):
            detached.count(digital_twin_id, relationship)

    for rounds_left in reversed(range(MAX_ROUNDS)):
        for listed in (_outgoing, _incoming):
            async for page in listed(upstream, digital_twin_id, pace):
                await for_each(page.items, concurrency, delete)
        try:
            await pace.run(partial(upstream.twins.delete, digital_twin_id, if_match=if_match))
        except TwinfrontError as error:
            if error.reason is not Reason.TWIN_HAS_RELATIONSHIPS or not rounds_left:
                raise
        else:
            return


async def _delete_relationship(upstream: Upstream, relationship: dict[str, Any]) -> bool:
    """Deletes a relationship; False if somebody else has."""
    try:
        await upstream.relationships.delete(*_ids(relationship), if_match="")
    except TwinfrontError as error:
        if error.reason not in _GONE:
            raise
        return False
    return True


async def _count(upstream: Upstream, digital_twin_id: str, detached: Detached, pace: Pace) -> bool:
    """Counts the relationships that the caller sees; False if there are others."""
    is_whole = True
    async for page in _outgoing(upstream, digital_twin_id, pace):
        detached.outgoing += len(page.items)
        is_whole &= not page.is_cut
    async for page in _incoming(upstream, digital_twin_id, pace):
        detached.incoming += sum(_ids(item)[0] != digital_twin_id for item in page.items)
        is_whole &= not page.is_cut
    return is_whole


@expects_answer
def _ids(relationship: dict[str, Any]) -> tuple[str, str]:
    """Reads the id of a relationship's source and its own."""
    source_id, relationship_id = relationship["$sourceId"], relationship["$relationshipId"]
    if not (isinstance(source_id, str) and isinstance(relationship_id, str)):
        raise TypeError("the ids of a relationship are texts")
    return source_id, relationship_id


def _outgoing(upstream: Upstream, digital_twin_id: str, pace: Pace) -> AsyncIterator[Page]:
    return _pages(lambda link: upstream.relationships.list(digital_twin_id, "", link), pace)


def _incoming(upstream: Upstream, digital_twin_id: str, pace: Pace) -> AsyncIterator[Page]:
    return _pages(lambda link: upstream.relationships.list_incoming(digital_twin_id, link), pace)


async def _pages(fetch: Callable[[str], Awaitable[Page]], pace: Pace) -> AsyncIterator[Page]:
    link = ""
    while True:
        page = await pace.run(partial(fetch, link))
        yield page
        if not page.next_link:
            return
        link = page.next_link
