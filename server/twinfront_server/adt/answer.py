"""What Azure Digital Twins answers: one thing, or a page of a list."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What the upstream answered.

    Attributes:
        body: as it came.
        etag: of the ETag header; empty without one.
        query_charge: of the header of that name, in query units; 0 without one.
        date: of the Date header, the upstream's own time in whole seconds; empty without one.
    """

    body: bytes
    etag: str
    query_charge: float = 0.0
    date: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list.

    Attributes:
        items: as parsed JSON.
        next_link: the link to the next page; empty on the last one.
        query_charge: of a query, what the page was charged, in query units.
    """

    items: list[Any]
    next_link: str
    query_charge: float = 0.0


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page starts.

    Attributes:
        link: a page of the upstream.
        skip: how many items, from that page's beginning on, were answered before.
        size: how many items are to be read from there on at first, because more of their size would not have room; 0
            for as many as the caller wants.
    """

    link: str = ""
    skip: int = 0
    size: int = 0
