"""Queries."""

# ruff: noqa: ASYNC109  (a call's timeout is a deadline that the server is told; asyncio.timeout tells it nothing)

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from twinfront import _queries
from twinfront._aio.connection import AsyncConnection
from twinfront._calls import CallMetadata, View
from twinfront._pages import AsyncPager


class AsyncQueryMethods(AsyncConnection):
    """The methods that call the QueryService."""

    def query(
        self,
        query: str,
        *,
        view: View = "full",
        page_size: int | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> AsyncPager[dict[str, Any]]:
        """Runs a query and fetches its rows page by page."""
        return AsyncPager(
            lambda page_token: self._send(
                self._query_service.QueryTwins,
                _queries.query(query, view=view, page_size=page_size, page_token=page_token),
                timeout,
                metadata,
            )
        )

    async def stream_query(
        self, query: str, *, view: View = "full", timeout: float | None = None, metadata: CallMetadata = ()
    ) -> AsyncIterator[dict[str, Any]]:
        """Runs a query and reads its rows as a stream, which goes on by itself where it broke."""
        stream = self._stream(
            self._query_service.StreamQueryTwins,
            lambda token: _queries.stream_query(query, view=view, resume_token=token),
            timeout,
            metadata,
        )
        async with aclosing(stream):
            async for rows in stream:
                for row in rows:
                    yield row
