"""Pages of lists, and the circle in which their tokens may lead."""

from collections.abc import Iterator
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


class Circle:
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
