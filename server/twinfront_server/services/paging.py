"""Pages of the size that a caller asks for, out of pages of the size that the upstream has."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from twinfront_server.errors import invalid_argument
from twinfront_server.upstream import Page
from twinfront_server.wire.page_token import Position

DEFAULT_PAGE_SIZE: Final = 100
MAX_PAGE_SIZE: Final = 1000


def checked_page_size(page_size: int) -> int:
    """How many items a page has at the most; see `read_page`."""
    if page_size < 0:
        raise invalid_argument("page_size", "must not be negative")
    return min(page_size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


async def read_page(
    fetch: Callable[[str], Awaitable[Page]], start: Position, page_size: int
) -> tuple[list[Any], Position | None]:
    """Collects a page from a list of the upstream.

    Args:
        fetch: reads the upstream's page at a link; the first one for no link.
        start: where the page starts.
        page_size: how many items the caller wants; 0 for the default. More than the maximum counts as the maximum
            (AIP-158).

    Returns:
        The items, and where the next page starts; None after the last one.

    Raises:
        TwinfrontError: INVALID_ARGUMENT for a negative page size, and what `fetch` raises.
    """
    wanted = checked_page_size(page_size)
    items: list[Any] = []
    link, skip = start.link, start.skip
    while True:
        page = await fetch(link)
        rest = page.items[skip:]
        missing = wanted - len(items)
        items += rest[:missing]
        if len(rest) > missing:
            return items, Position(link, skip + missing)
        if not page.next_link:
            return items, None
        link, skip = page.next_link, 0
        if len(items) == wanted:
            return items, Position(link)
