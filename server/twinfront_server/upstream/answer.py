"""What operations of the upstream answer."""

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
