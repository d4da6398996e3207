"""Queries: the front's own within the scope of the call, callers' own in the whole graph alone."""

from typing import Any

from azure.digitaltwins.core.aio import DigitalTwinsClient

from twinfront_server.adt.answer import Page
from twinfront_server.adt.twin_json import is_relationship
from twinfront_server.upstream.resources.queries import Queries
from twinfront_server.upstream.scoped.boundary import Boundary


class ScopedQueries(Queries):
    """Queries that answer what lies within the scope of the call."""

    def __init__(self, sdk: DigitalTwinsClient, boundary: Boundary) -> None:
        super().__init__(sdk)
        self._boundary = boundary

    async def page(
        self,
        query: str,
        continuation: str,
        *,
        page_size: int,
        place_field: str = "page_token",
        by_the_front: bool = False,
    ) -> Page:
        """Reads one page of the rows of a query; of one of the front's own those that lie inside."""
        if not by_the_front:
            self._boundary.require_none("a query of one's own")
        page = await super().page(
            query, continuation, page_size=page_size, place_field=place_field, by_the_front=by_the_front
        )
        if self._boundary.is_none:
            return page
        relationships = [row for row in page.items if is_relationship(row)]
        ends = await self._boundary.inside(row[end] for row in relationships for end in ("$sourceId", "$targetId"))
        rows = [row for row in page.items if await self._is_inside(row, ends)]
        return Page(rows, page.next_link, page.query_charge)

    async def _is_inside(self, row: dict[str, Any], ends: frozenset[object]) -> bool:
        if is_relationship(row):
            return row["$sourceId"] in ends and row["$targetId"] in ends
        return await self._boundary.is_twin_inside(row)
