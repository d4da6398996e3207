"""Walking through a graph in the order in which it can be imported, from any place on.

The upstream gives out pages; the next one is read while the caller takes in this one, and none further ahead.
"""

import bisect
import dataclasses
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import orjson

from twinfront_server.errors import invalid_argument
from twinfront_server.graph.exported import Document, digital_twin_row, relationship_row
from twinfront_server.graph.import_format import Section
from twinfront_server.upstream import Page, Upstream
from twinfront_server.upstream.page_ahead import pages_ahead

PAGE_SIZE: Final = 500

_ALL_TWINS: Final = "SELECT * FROM digitaltwins"
_ALL_RELATIONSHIPS: Final = "SELECT * FROM relationships"
_RELATIONSHIPS_FROM: Final = "SELECT * FROM relationships R WHERE R.$sourceId IN [{}]"
_MAX_SOURCES: Final = 50
_MAX_SOURCES_LENGTH: Final = 7500
"""How many ids fit into one query: Azure Digital Twins has limits for the list, and for the text."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place between two rows.

    Attributes:
        section: the section that the next row is in.
        opened: whether the line that opens the section lies before the place.
        link: the page of the upstream that the next row is on.
        skip: how many rows of that page lie before the place.
        done: of relationships by query: the sources up to this id lie before the page's,
        until: and this is the last one that the page's query is about.
    """

    section: Section
    opened: bool = True
    link: str = ""
    skip: int = 0
    done: str = ""
    until: str = ""

    def write(self) -> str:
        """The place as text."""
        return orjson.dumps(dataclasses.astuple(self)).decode()

    @classmethod
    def read(cls, text: str) -> "Place":
        """The place of what `write` gave."""
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


Fetch = Callable[[str], Awaitable[Page]]
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
        # The twins that the query answers, whose relationships with each other are wanted: some 100 bytes each.
        self._ids: set[str] = set()

    async def steps(self, place: Place) -> AsyncGenerator[Step]:
        """Goes on from a place.

        Raises:
            TwinfrontError: INVALID_ARGUMENT for a query whose rows are no twins, and what the upstream's reads raise.
        """
        in_twins = place.section is Section.TWINS and bool(place.link or place.skip)
        if self._query and (in_twins or place.section is Section.RELATIONSHIPS):
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
        """Reads the twins that lie before a place; a walk that goes on does not know them."""
        async with aclosing(self._digital_twins(Place(Section.TWINS))) as rows:
            async for _ in rows:
                pass

    def _rows(self, place: Place) -> Rows:
        match place.section:
            case Section.HEADER:
                return _no_rows()
            case Section.MODELS:
                return self._models(place)
            case Section.TWINS:
                return self._digital_twins(place)
            case Section.RELATIONSHIPS:
                return self._relationships_between(place) if self._query else self._relationships(place)

    async def _models(self, place: Place) -> Rows:
        fetch = partial(self._upstream.list_models, [], include_model_definition=True)
        async with aclosing(_items(fetch, place)) as items:
            async for item, after in items:
                yield item["model"], after

    async def _digital_twins(self, place: Place) -> Rows:
        answered: set[str] = set()
        async with aclosing(_items(self._asking(self._query or _ALL_TWINS), place)) as items:
            async for item, after in items:
                twin = _digital_twin(item)
                if self._query:
                    if twin["$dtId"] in answered:  # a join answers a twin once for each of its matches
                        continue
                    answered.add(twin["$dtId"])
                yield digital_twin_row(twin), after
        self._ids |= answered

    async def _relationships(self, place: Place) -> Rows:
        async with aclosing(_items(self._asking(_ALL_RELATIONSHIPS), place)) as items:
            async for item, after in items:
                yield relationship_row(item), after

    async def _relationships_between(self, place: Place) -> Rows:
        ids = sorted(self._ids)
        while True:
            # A page that was begun has its own query, whatever twins there are now.
            sources = [place.until] if place.link else _next_sources(ids, place.done)
            if not sources:
                return
            place = dataclasses.replace(place, until=sources[-1])
            query = _RELATIONSHIPS_FROM.format(", ".join(map(_quoted, sources)))
            async with aclosing(_items(self._asking(query), place)) as items:
                async for item, after in items:
                    if item["$targetId"] in self._ids:
                        yield relationship_row(item), after
            place = Place(Section.RELATIONSHIPS, done=place.until)

    def _asking(self, query: str) -> Fetch:
        return partial(self._upstream.query_twins, query, page_size=PAGE_SIZE)


async def _no_rows() -> Rows:
    nothing: tuple[tuple[Document, Place], ...] = ()
    for row in nothing:
        yield row


async def _items(fetch: Fetch, place: Place) -> AsyncGenerator[tuple[Any, Place]]:
    """The items of a list of the upstream from a place on, each with the place behind it."""
    skip = place.skip
    async with aclosing(pages_ahead(fetch, place.link)) as pages:
        async for link, page in pages:
            for number, item in enumerate(page.items[skip:], skip + 1):
                last = number == len(page.items) and bool(page.next_link)
                here, passed = (page.next_link, 0) if last else (link, number)
                yield item, dataclasses.replace(place, link=here, skip=passed)
            skip = 0


def _digital_twin(row: Document) -> Document:
    """The twin that a row is, or that it has as its only member: `SELECT * FROM …`, `SELECT T FROM …`."""
    twin = next(iter(row.values())) if len(row) == 1 else row
    if not isinstance(twin, dict) or not twin.keys() >= {"$dtId", "$metadata"}:
        message = "must answer one whole digital twin a row, as SELECT * FROM digitaltwins and SELECT T FROM … T do"
        raise invalid_argument("query", message)
    return twin


def _next_sources(ids: Sequence[str], done: str) -> list[str]:
    """The ids behind `done`, as many as one query takes."""
    sources: list[str] = []
    length = 0
    for source in ids[bisect.bisect_right(ids, done) :][:_MAX_SOURCES]:
        length += len(_quoted(source)) + 2
        if sources and length > _MAX_SOURCES_LENGTH:
            break
        sources.append(source)
    return sources


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
