# Generated from twinfront/_aio by make_sync.py: edit it there, and run `make format`.
"""Queries."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

from twinfront import _queries
from twinfront._calls import CallMetadata, View
from twinfront._sync.connection import Connection
from twinfront._sync.pages import Pager


class QueryMethods(Connection):
    """The methods that call the QueryService."""

    def query(
        self,
        query: str,
        *,
        view: View = "full",
        page_size: int | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> Pager[dict[str, Any]]:
        """Runs a query and fetches its rows page by page.

        Args:
            query: The query: `SELECT * FROM digitaltwins T WHERE T.temperature > 20`.
            view: "basic" leaves out the metadata of properties in rows that are twins.
            page_size: How many rows to fetch at a time: 100 by default, 1000 at the most.
            timeout: Seconds for each page; 30 by default.
            metadata: Further request metadata.

        Returns:
            An iterable of the rows in the JSON form of Azure Digital Twins, which fetches pages as it goes;
            `DigitalTwin.from_dict` reads those that are twins, `.pages()` has pages with their tokens and what each
            was charged (`QueryPage`).

        Raises:
            QueryInvalidError: While iterating: the query is not understood.
            PageTokenInvalidError: While iterating `.pages(token)`: the token belongs to another query.
        """
        return Pager(
            lambda page_token: self._send(
                self._query_service.QueryTwins,
                _queries.query(query, view=view, page_size=page_size, page_token=page_token),
                timeout,
                metadata,
            )
        )

    def stream_query(
        self, query: str, *, view: View = "full", timeout: float | None = None, metadata: CallMetadata = ()
    ) -> Iterator[dict[str, Any]]:
        """Runs a query and reads its rows as a stream, which goes on by itself where it broke.

        Args:
            query: The query: `SELECT * FROM digitaltwins T WHERE T.temperature > 20`.
            view: "basic" leaves out the metadata of properties in rows that are twins.
            timeout: Seconds for the stream; as long as it takes by default.
            metadata: Further request metadata.

        Returns:
            An iterator of the rows in the JSON form of Azure Digital Twins. Closing it ends the stream.

        Raises:
            QueryInvalidError: While iterating: the query is not understood.
        """
        stream = self._stream(
            self._query_service.StreamQueryTwins,
            lambda token: _queries.stream_query(query, view=view, resume_token=token),
            timeout,
            metadata,
        )
        with closing(stream):
            for rows in stream:
                yield from rows
