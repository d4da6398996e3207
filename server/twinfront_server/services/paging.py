"""Pages of the size that a caller asks for, and that its client takes in, out of pages of the size the upstream has."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Final

from twinfront_server.adt.answer import Position
from twinfront_server.errors import invalid_argument
from twinfront_server.upstream import Page
from twinfront_server.upstream.pages import Stretch, pages_one_by_one
from twinfront_server.wire.filling import RECEIVED_BY_DEFAULT, Fill, Filling, room_for_items
from twinfront_server.wire.page_token import PageTokens

DEFAULT_PAGE_SIZE: Final = 100
MAX_PAGE_SIZE: Final = 1000

MAX_PAGE_BYTES: Final = RECEIVED_BY_DEFAULT
"""The largest page, a single larger item aside: any client can take it in."""

_WELL_FILLED: Final = 1 / 2
"""The share of a page's bytes from which on no more is read for it: most of what came might have no room."""

_AIM: Final = 3 / 4
"""The share of a page's bytes that is asked for, by the size of the items so far: some will be larger than those."""


class Paging:
    """Answers the requests for lists, a page at a time.

    Args:
        tokens: seals the places where pages start.
        max_response_bytes: the server's largest response.
    """

    def __init__(self, tokens: PageTokens, max_response_bytes: int) -> None:
        self._tokens = tokens
        self._max_bytes = room_for_items(min(MAX_PAGE_BYTES, max_response_bytes))

    async def fill(
        self,
        request: Any,
        response: Any,
        items: Any,
        fetch: Callable[[str, int], Awaitable[Page]],
        fill: Fill,
    ) -> None:
        """Fills a page, and sets the token of the next one if there may be more.

        The page has as many items as the caller wants, or fewer: as many as have room, or as the upstream had at hand
        when the page was well filled.

        Args:
            request: has `page_size`, how many items are wanted: 0 for the default, and more than the maximum counts as
                the maximum (AIP-158); and `page_token`, where to start.
            response: gets `next_page_token`.
            items: the list in the response, empty.
            fetch: reads the upstream's page at a link, the first one for no link, of so many items at the most if the
                upstream can be told.
            fill: sets an empty message of the list to an item.

        Raises:
            TwinfrontError: INVALID_ARGUMENT for a negative page size, PAGE_TOKEN_INVALID, and what `fetch` raises.
        """
        wanted = _checked_page_size(request.page_size)
        start = Position.read(self._tokens.open(request, request.page_token))
        filling = Filling(items, fill, max_bytes=self._max_bytes, max_items=wanted)
        size = _size(start, min(start.size or wanted, wanted))
        async with aclosing(pages_one_by_one(lambda link: fetch(link, size), start)) as pages:
            async for page in pages:
                after = _take(page, filling)
                if after is None:
                    return
                missing = wanted - len(items)
                if after != page.end or not missing or filling.bytes > self._max_bytes * _WELL_FILLED:
                    after = replace(after, size=self._fitting(0, filling) if missing else 0)
                    response.next_page_token = self._tokens.seal(request, after.write())
                    return
                size = _size(after, min(self._fitting(filling.bytes, filling) or missing, missing))

    def _fitting(self, taken: int, filling: Filling) -> int:
        """Estimates how many more items fit beside so many bytes, by the size of those so far; 0 before any."""
        if not filling.bytes:
            return 0
        return max(1, int((self._max_bytes * _AIM - taken) * filling.count / filling.bytes))


def _size(position: Position, wanted: int) -> int:
    """Gives the page size with which the upstream answers so many items behind a position."""
    return min(position.skip + wanted, MAX_PAGE_SIZE)


def _take(page: Stretch, filling: Filling) -> Position | None:
    """Adds items of a page for as long as they have room; gives the position behind them, None behind the last one."""
    after = page.start
    for item, behind in page.items():
        if not filling.add(item):
            return after
        after = behind
    return page.end


def _checked_page_size(page_size: int) -> int:
    if page_size < 0:
        raise invalid_argument("page_size", "must not be negative")
    return min(page_size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
