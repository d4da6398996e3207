"""Reading the pages of a list one ahead of who takes them in."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

from twinfront_server.upstream.answer import Page


async def pages_ahead(fetch: Callable[[str], Awaitable[Page]], link: str) -> AsyncGenerator[tuple[str, Page]]:
    """Gives all pages from a link on, each with the link that it is at.

    The next page is read while the caller has this one, and none further ahead. To be closed, which ends the reading.

    Args:
        fetch: reads the upstream's page at a link; the first one for no link.
        link: where to begin.
    """
    reading = asyncio.ensure_future(fetch(link))
    try:
        while True:
            page = await reading
            if page.next_link:
                reading = asyncio.ensure_future(fetch(page.next_link))
            yield link, page
            if not page.next_link:
                return
            link = page.next_link
    finally:
        reading.cancel()
        await asyncio.wait({reading})
        if not reading.cancelled():
            reading.exception()  # nobody is left to be told of it
