"""A place in the text of a query."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the text: the line from 1, the position in it from 0."""

    line: int
    position: int
