"""Lists that are fetched page by page while they are read."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic

from twinfront._pages import Circle, Item, Page


class AsyncPager(Generic[Item]):
    """The items of a list: `async for relationship in client.list_relationships("floor-1")`.

    Nothing is fetched before the first item is asked for, and a page only when the one before is used up. Each loop
    starts from the beginning.
    """

    def __init__(self, fetch: Callable[[str], Awaitable[Page[Item]]]) -> None:
        self._fetch = fetch

    async def __aiter__(self) -> AsyncIterator[Item]:
        async for page in self.pages():
            for item in page.items:
                yield item

    async def pages(self, page_token: str = "") -> AsyncIterator[Page[Item]]:
        """Goes through the pages, beginning after the one whose `next_page_token` is given."""
        tokens = Circle(page_token)
        while True:
            page = await self._fetch(page_token)
            yield page
            page_token = page.next_page_token
            if not page_token:
                return
            tokens.check(page_token)
