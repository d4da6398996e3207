"""Answers of Azure Digital Twins: one thing, or a page of a list."""

from dataclasses import astuple, dataclass
from http import HTTPStatus
from typing import Any, Final, Self

import orjson

from twinfront_server.errors import upstream_answer_unexpected

MAX_LINK: Final = 46_000
"""Bytes of a link as JSON: sealed in a page token it has to come back in a request. Those of queries have the query in
them, of 8,000 characters at the most."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the upstream.

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
        is_cut: whether there are items on it that the caller may not see.
    """

    items: list[Any]
    next_link: str
    query_charge: float = 0.0
    is_cut: bool = False

    def read_at(self, link: str) -> Self:
        """Gives the page, which was read at a link.

        Raises:
            TwinfrontError: UPSTREAM_ANSWER_UNEXPECTED if it leads to itself: the list would never end.
        """
        if link and self.next_link == link:
            raise upstream_answer_unexpected(HTTPStatus.OK)
        return self


@dataclass(slots=True)  # not frozen, which takes longer to make: each row of a stream has one
class Position:
    """The place where a page starts.

    Attributes:
        link: a page of the upstream.
        skip: how many items, from that page's beginning on, were answered before.
        size: how many items are to be read from there on at first, because more of their size would not have room; 0
            for as many as the caller wants.
    """

    link: str = ""
    skip: int = 0
    size: int = 0

    def write(self) -> bytes:
        """Writes it down, for `read`."""
        return orjson.dumps(astuple(self))

    @classmethod
    def read(cls, text: bytes) -> Self:
        """Reads what `write` wrote; the start for nothing."""
        return cls(*orjson.loads(text)) if text else cls()


def page_of(document: Any, link_name: str, *, query_charge: float = 0.0) -> Page:
    """Reads a document of the upstream as a page.

    Args:
        document: the parsed JSON.
        link_name: the member that leads to the next page.
        query_charge: of a query, what the page was charged.

    Raises:
        TwinfrontError: UPSTREAM_ANSWER_UNEXPECTED if it is none.
    """
    items, link = (document.get("value"), document.get(link_name)) if isinstance(document, dict) else (None, None)
    if not (isinstance(items, list) and all(isinstance(item, dict) for item in items)):
        raise upstream_answer_unexpected(HTTPStatus.OK)
    if not (link is None or (isinstance(link, str) and len(orjson.dumps(link)) <= MAX_LINK)):
        raise upstream_answer_unexpected(HTTPStatus.OK)
    return Page(items, link or "", query_charge)
