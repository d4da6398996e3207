"""Walking through a graph in the order in which it can be imported, from any place on.

The upstream gives out pages; the next one is read while the caller takes in this one, and none further ahead.
"""

import bisect
import dataclasses
import re
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import orjson

from twinfront_server.adt.answer import Position
from twinfront_server.adt.twin_json import Document, is_digital_twin
from twinfront_server.errors import invalid_argument, upstream_answer_unexpected
from twinfront_server.graph.exported import digital_twin_row, model_row, relationship_row
from twinfront_server.graph.import_format import Section
from twinfront_server.upstream import Page, Upstream
from twinfront_server.upstream.pages import Fetch, pages_ahead, pages_of_some_size

PAGE_SIZE: Final = 500

_ALL_TWINS: Final = "SELECT * FROM digitaltwins"
_ALL_RELATIONSHIPS: Final = "SELECT * FROM relationships"
_TWINS: Final = "SELECT * FROM digitaltwins T WHERE T.$dtId IN [{}]"
_RELATIONSHIPS_FROM: Final = "SELECT * FROM relationships R WHERE R.$sourceId IN [{}]"
_MAX_IDS: Final = 50
_MAX_IDS_LENGTH: Final = 7500
"""How many ids fit into one query: Azure Digital Twins has limits for the list, and for the text."""

_PATTERN: Final = re.compile(r"\b(?:JOIN|MATCH)\b", re.IGNORECASE)
"""Words of which every query has one that answers a twin once for each of its matches."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place between two rows.

    Attributes:
        section: the section that the next row is in.
        opened: whether the line that opens the section lies before the place.
        link: the page of the upstream that the next row is on.
        skip: how many rows of that page lie before the place.
        done: of relationships by query: the sources up to this id lie before the page's; of twins by a query that has a
            pattern: the twins up to this id lie before the place.
        until: of relationships by query: the last source that the page's query is about.
    """

    section: Section
    opened: bool = True
    link: str = ""
    skip: int = 0
    done: str = ""
    until: str = ""

    def write(self) -> bytes:
        """Writes it down, for `read`."""
        return orjson.dumps(dataclasses.astuple(self))

    @classmethod
    def read(cls, text: bytes) -> "Place":
        """Reads what `write` wrote; the start for nothing."""
        if not text:
            return START
        section, *rest = orjson.loads(text)
        return cls(Section(section), *rest)


START: Final = Place(Section.HEADER, opened=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a walk.

    Attributes:
        section: where it is.
        row: a row of the import format; None for the opening of the section.
        after: the place behind it.
    """

    section: Section
    row: Document | None
    after: Place


Rows = AsyncGenerator[tuple[Document, Place]]


class GraphWalk:
    """A walk through the whole graph, or the part of it that a query answers.

    Args:
        upstream: where the graph is.
        query: answers the twins; empty for all.
        exclude_models: whether to leave out the models.
    """

    def __init__(self, upstream: Upstream, query: str, *, exclude_models: bool) -> None:
        self._upstream = upstream
        self._query = query
        self._sections = [section for section in Section if not (exclude_models and section is Section.MODELS)]
        self._has_pattern = _PATTERN.search(query) is not None
        # The twins that the query answers, whose relationships with each other are wanted: some 100 bytes each.
        self._ids: set[str] = set()

    async def steps(self, place: Place) -> AsyncGenerator[Step]:
        """Goes on from a place.

        Raises:
            TwinfrontError: INVALID_ARGUMENT for a query whose rows are no twins, and what the upstream's reads raise.
        """
        in_twins = place.section is Section.TWINS and bool(place.link or place.skip)
        if self._query and (self._has_pattern or in_twins or place.section is Section.RELATIONSHIPS):
            await self._gather_ids()
        for section in self._sections[self._sections.index(place.section) :]:
            here = place if place.section is section else Place(section, opened=False)
            if not here.opened:
                here = Place(section)
                yield Step(section, None, here)
            async with aclosing(self._rows(here)) as rows:
                async for row, after in rows:
                    yield Step(section, row, after)

    async def _gather_ids(self) -> None:
        """Reads which twins the query answers; a walk that goes on does not know those before its place."""
        async with aclosing(_items(self._asking(self._query), Place(Section.TWINS))) as items:
            async for item, _ in items:
                self._ids.add(_digital_twin(item, by_the_front=False)["$dtId"])

    def _rows(self, place: Place) -> Rows:
        match place.section:
            case Section.HEADER:
                return _no_rows()
            case Section.MODELS:
                return self._models(place)
            case Section.TWINS:
                return self._digital_twins_by_id(place) if self._has_pattern else self._digital_twins(place)
            case Section.RELATIONSHIPS:
                return self._relationships_between(place) if self._query else self._relationships(place)

    async def _models(self, place: Place) -> Rows:
        fetch = partial(self._upstream.models.list, [], include_model_definition=True)
        async with aclosing(_items(fetch, place)) as items:
            async for item, after in items:
                yield model_row(item), after

    async def _digital_twins(self, place: Place) -> Rows:
        async with aclosing(
            _items(self._asking(self._query or _ALL_TWINS, by_the_front=not self._query), place)
        ) as items:
            async for item, after in items:
                twin = _digital_twin(item, by_the_front=not self._query)
                if self._query:
                    self._ids.add(twin["$dtId"])
                yield digital_twin_row(twin), after

    async def _digital_twins_by_id(self, place: Place) -> Rows:
        """Gives each twin once, from any place on: their ids, unlike the query's rows, say which ones lie before it."""
        ids, done = sorted(self._ids), place.done
        while some := _next_ids(ids, done):
            async with aclosing(
                _items(self._asking(_about(_TWINS, some), by_the_front=True), Place(Section.TWINS))
            ) as items:
                found = [_digital_twin(item, by_the_front=True) async for item, _ in items]
            twins = {twin["$dtId"]: twin for twin in found}
            for twin_id in sorted(twins):
                yield digital_twin_row(twins[twin_id]), Place(Section.TWINS, done=twin_id)
            done = some[-1]

    async def _relationships(self, place: Place) -> Rows:
        async with aclosing(_items(self._asking(_ALL_RELATIONSHIPS, by_the_front=True), place)) as items:
            async for item, after in items:
                yield relationship_row(item), after

    async def _relationships_between(self, place: Place) -> Rows:
        ids = sorted(self._ids)
        while True:
            # A page that was begun has its own query, whatever twins there are now.
            sources = [place.until] if place.link else _next_ids(ids, place.done)
            if not sources:
                return
            place = dataclasses.replace(place, until=sources[-1])
            query = _about(_RELATIONSHIPS_FROM, sources)
            async with aclosing(_items(self._asking(query, by_the_front=True), place)) as items:
                async for item, after in items:
                    if item["$targetId"] in self._ids:
                        yield relationship_row(item), after
            place = Place(Section.RELATIONSHIPS, done=place.until)

    def _asking(self, query: str, *, by_the_front: bool = False) -> Fetch:
        def fetch(link: str, size: int) -> Awaitable[Page]:
            return self._upstream.queries.page(
                query, link, page_size=size, place_field="resume_token", by_the_front=by_the_front
            )

        return pages_of_some_size(fetch, PAGE_SIZE)


async def _no_rows() -> Rows:
    nothing: tuple[tuple[Document, Place], ...] = ()
    for row in nothing:
        yield row


async def _items(fetch: Fetch, place: Place) -> AsyncGenerator[tuple[Any, Place]]:
    """Gives the items of a list of the upstream from a place on, each with the place behind it."""
    async with aclosing(pages_ahead(fetch, Position(place.link, place.skip))) as pages:
        async for page in pages:
            for item, behind in page.items():
                yield item, dataclasses.replace(place, link=behind.link, skip=behind.skip)


def _digital_twin(row: Document, *, by_the_front: bool) -> Document:
    """Gives the twin that a row is, or that it has as its only member: `SELECT * FROM …`, `SELECT T FROM …`.

    Args:
        row: the row.
        by_the_front: whether the query is the walk's own and not the caller's.
    """
    twin = next(iter(row.values())) if len(row) == 1 else row
    if not is_digital_twin(twin):
        if by_the_front:
            raise upstream_answer_unexpected(200)
        message = "must answer one whole digital twin a row, as SELECT * FROM digitaltwins and SELECT T FROM … T do"
        raise invalid_argument("query", message)
    return twin


def _next_ids(ids: Sequence[str], done: str) -> list[str]:
    """Gives the ids behind `done`, as many as one query takes."""
    some: list[str] = []
    length = 0
    first = bisect.bisect_right(ids, done)
    for each in ids[first : first + _MAX_IDS]:
        length += len(_quoted(each)) + 2
        if some and length > _MAX_IDS_LENGTH:
            break
        some.append(each)
    return some


def _about(query: str, ids: Sequence[str]) -> str:
    return query.format(", ".join(map(_quoted, ids)))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
