"""Going through a list of the upstream, page by page, from a position on.

The upstream may cut the same list into other pages the next time: Azure Digital Twins answers fewer items than it was
asked for when it likes, and what is asked for changes too. So the items that lie between a page's beginning and a
position are counted off the pages as they come, and not off that one page alone.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import orjson

from twinfront_server.adt.answer import Page, Position
from twinfront_server.adt.expected_answer import expecting_answer
from twinfront_server.background import end_unheard
from twinfront_server.errors import TwinfrontError, upstream_answer_unexpected
from twinfront_server.reasons import Reason

Fetch: TypeAlias = Callable[[str], Awaitable[Page]]
"""Reads the upstream's page at a link; the first one for no link."""


PAGE_BYTES: Final = 128 << 10
"""How large pages are to be that are read for a stream, as JSON; parsed they take up some three times as much."""

_FIRST_ROWS: Final = 100
_LEAST_ROWS: Final = 10
_SAMPLES: Final = 8


def pages_of_some_size(fetch: Callable[[str, int], Awaitable[Page]], most: int) -> Fetch:
    """Reads pages of about `PAGE_BYTES`, going by the size of the items of the page before.

    Args:
        fetch: reads the page at a link, of so many items at the most.
        most: the most items to ask for.
    """
    wanted = min(_FIRST_ROWS, most)

    async def fetch_next(link: str) -> Page:
        nonlocal wanted
        page = await fetch(link, wanted)
        samples = page.items[:: max(1, len(page.items) // _SAMPLES)]
        if samples:
            with expecting_answer():
                size = sum(len(orjson.dumps(item)) for item in samples) / len(samples)
            wanted = min(most, max(_LEAST_ROWS, int(PAGE_BYTES / size)))
        return page

    return fetch_next


@dataclass(frozen=True, slots=True)
class Stretch:
    """One page of the upstream, as far as it lies behind a position.

    Attributes:
        page: the page.
        start: the position, on this page or further on.
    """

    page: Page
    start: Position

    @property
    def query_charge(self) -> float:
        """Of a query, what the page was charged, in query units."""
        return self.page.query_charge

    @property
    def end(self) -> Position | None:
        """Gives the place where the next page goes on; None if this is the last one."""
        if not self.page.next_link:
            return None
        return Position(self.page.next_link, max(0, self.start.skip - len(self.page.items)))

    def items(self) -> Iterator[tuple[Any, Position]]:
        """Gives the items behind the position, each with the position behind it."""
        items, skip = self.page.items, self.start.skip
        last = len(items) if self.page.next_link else None
        for number, item in enumerate(items[skip:], skip + 1):
            yield item, Position(self.page.next_link) if number == last else Position(self.start.link, number)


async def pages_one_by_one(fetch: Fetch, start: Position) -> AsyncGenerator[Stretch]:
    """Gives all pages from a position on, each read when it is asked for.

    Raises:
        TwinfrontError: what `fetch` raises; see `_following`.
    """
    stretch = Stretch(await fetch(start.link), start)
    yield stretch
    while (here := stretch.end) is not None:
        stretch = Stretch(await _following(fetch, here.link), here)
        yield stretch


async def pages_ahead(fetch: Fetch, start: Position) -> AsyncGenerator[Stretch]:
    """Gives all pages from a position on, each read while the caller has the one before, and none further ahead.

    To be closed, which ends the reading.

    Raises:
        TwinfrontError: what `fetch` raises; see `_following`.
    """
    here: Position | None = start
    reading = asyncio.ensure_future(fetch(start.link))
    try:
        while here is not None:
            stretch = Stretch(await reading, here)
            here = stretch.end
            if here is not None:
                reading = asyncio.ensure_future(_following(fetch, here.link))
            yield stretch
    finally:
        await end_unheard(reading)


async def _following(fetch: Fetch, link: str) -> Page:
    """Reads a page at a link that the upstream has just given out; if it refuses that, the caller is not at fault."""
    try:
        return await fetch(link)
    except TwinfrontError as error:
        if error.reason is Reason.PAGE_TOKEN_INVALID:
            raise upstream_answer_unexpected(400) from error
        raise
