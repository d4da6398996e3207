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
        """Goes through the pages, beginning after the one whose `next_page_token` is given."""
        tokens = _Circle(page_token)
        while True:
            page = self._fetch(page_token)
            yield page
            page_token = page.next_page_token
            if not page_token:
                return
            tokens.check(page_token)


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
        """Goes through the pages, beginning after the one whose `next_page_token` is given."""
        tokens = _Circle(page_token)
        while True:
            page = await self._fetch(page_token)
            yield page
            page_token = page.next_page_token
            if not page_token:
                return
            tokens.check(page_token)


class _Circle:
    """Finds out that page tokens come back to one that was there, by Brent's algorithm: it keeps one at a time.

    One is remembered for one, two, four, eight … steps.
    """

    def __init__(self, first: str) -> None:
        self._remembered = first
        self._steps, self._bound = 0, 1

    def check(self, token: str) -> None:
        """Raises a TwinfrontError if the token is the one that is remembered: the list would never end."""
        if token == self._remembered:
            raise unreadable_answer("a list", "the page tokens lead in a circle")
        self._steps += 1
        if self._steps == self._bound:
            self._remembered, self._steps, self._bound = token, 0, 2 * self._bound
