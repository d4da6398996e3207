"""Lists that are fetched page by page while they are read."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from twinfront.errors import unreadable_answer

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a list."""

    items: list[Item]
    """The items, possibly none, even before the last page."""
    next_page_token: str
    """What `pages()` takes to go on after this page, later or elsewhere; empty on the last one."""

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


class Pager(Generic[Item]):
    """The items of a list: `for relationship in client.list_relationships("floor-1")`.

    Nothing is fetched before the first item is asked for, and a page only when the one before is used up. Each `for`
    starts from the beginning.
    """

    def __init__(self, fetch: Callable[[str], Page[Item]]) -> None:
        self._fetch = fetch

    def __iter__(self) -> Iterator[Item]:
        for page in self.pages():
            yield from page.items

    def pages(self, page_token: str = "") -> Iterator[Page[Item]]:
        """The pages, beginning after the one whose `next_page_token` is given."""
        while True:
            page = self._fetch(page_token)
            yield page
            page_token = _following(page, page_token)
            if not page_token:
                return


class AsyncPager(Generic[Item]):
    """The items of a list: `async for relationship in client.list_relationships("floor-1")`.

    Nothing is fetched before the first item is asked for, and a page only when the one before is used up. Each `async
    for` starts from the beginning.
    """

    def __init__(self, fetch: Callable[[str], Awaitable[Page[Item]]]) -> None:
        self._fetch = fetch

    async def __aiter__(self) -> AsyncIterator[Item]:
        async for page in self.pages():
            for item in page.items:
                yield item

    async def pages(self, page_token: str = "") -> AsyncIterator[Page[Item]]:
        """The pages, beginning after the one whose `next_page_token` is given."""
        while True:
            page = await self._fetch(page_token)
            yield page
            page_token = _following(page, page_token)
            if not page_token:
                return


def _following(page: Page[Item], page_token: str) -> str:
    """Gives the token of the next page; TwinfrontError if it is the page's own, whose list would never end."""
    if page.next_page_token and page.next_page_token == page_token:
        raise unreadable_answer("a list", "the token of the next page is that of this one")
    return page.next_page_token
