# Generated from twinfront/_aio by make_sync.py: edit it there, and run `make format`.
"""Lists that are fetched page by page while they are read."""

from collections.abc import Callable, Iterator
from typing import Generic

from twinfront._pages import Circle, Item, Page


class Pager(Generic[Item]):
    """The items of a list: `for relationship in client.list_relationships("floor-1")`.

    Nothing is fetched before the first item is asked for, and a page only when the one before is used up. Each loop
    starts from the beginning.
    """

    def __init__(self, fetch: Callable[[str], Page[Item]]) -> None:
        self._fetch = fetch

    def __iter__(self) -> Iterator[Item]:
        for page in self.pages():
            yield from page.items

    def pages(self, page_token: str = "") -> Iterator[Page[Item]]:
        """Goes through the pages, beginning after the one whose `next_page_token` is given."""
        tokens = Circle(page_token)
        while True:
            page = self._fetch(page_token)
            yield page
            page_token = page.next_page_token
            if not page_token:
                return
            tokens.check(page_token)
