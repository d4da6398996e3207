"""`QueryService`."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Any, Final

from twinfront.v1 import query_service_pb2 as messages
from twinfront.v1.query_service_pb2_grpc import QueryServiceServicer
from twinfront_server.adt.answer import Position
from twinfront_server.call import current_call
from twinfront_server.errors import server_draining
from twinfront_server.services.paging import Paging
from twinfront_server.upstream import Upstream
from twinfront_server.upstream.pages import pages_ahead, pages_of_some_size
from twinfront_server.wire.filling import Fill, Filling, room_for_items
from twinfront_server.wire.page_token import PageTokens
from twinfront_server.wire.query import fill_row, required_query
from twinfront_server.wire.representation import wants_json, wants_metadata

STREAMED_PAGE: Final = 500
"""The most rows that are read ahead."""

MAX_ROWS: Final = 100
MAX_BYTES: Final = 256 << 10
"""Bytes of the rows in one message of a stream at the most; a single larger row comes alone."""


class QueryService(QueryServiceServicer):
    """Queries.

    Args:
        upstream: what is asked.
        tokens: seals the places from which streams go on.
        paging: answers pages.
        max_response_bytes: the server's largest message.
    """

    def __init__(self, upstream: Upstream, tokens: PageTokens, paging: Paging, max_response_bytes: int) -> None:
        self._upstream = upstream
        self._tokens = tokens
        self._paging = paging
        self._max_bytes = min(MAX_BYTES, room_for_items(max_response_bytes))

    async def QueryTwins(self, request: messages.QueryTwinsRequest, context: Any) -> messages.QueryTwinsResponse:
        as_json, metadata = wants_json(request.representation), wants_metadata(request.view)
        query = required_query(request.query)
        response = messages.QueryTwinsResponse()
        await self._paging.fill(
            request,
            response,
            response.rows,
            lambda link, size: self._upstream.queries.page(query, link, page_size=size),
            partial(fill_row, as_json=as_json, metadata=metadata),
        )
        response.query_charge = current_call().query_charge or 0.0
        return response

    async def StreamQueryTwins(
        self, request: messages.StreamQueryTwinsRequest, context: Any
    ) -> AsyncIterator[messages.StreamQueryTwinsResponse]:
        fill = partial(fill_row, as_json=wants_json(request.representation), metadata=wants_metadata(request.view))
        query = required_query(request.query)
        fetch = pages_of_some_size(
            lambda link, size: self._upstream.queries.page(query, link, page_size=size, place_field="resume_token"),
            STREAMED_PAGE,
        )
        after = Position.read(self._tokens.open(request, request.resume_token, "resume_token"))
        response, rows = self._empty_message(fill)
        async with aclosing(pages_ahead(fetch, after)) as pages:
            async for page in pages:
                response.query_charge += page.query_charge
                for item, behind in page.items():
                    if not rows.add(item):
                        response.resume_token = self._tokens.seal(request, after.write())
                        yield response
                        _end_if_stopping()
                        response, rows = self._empty_message(fill)
                        rows.add(item)
                    after = behind
                if page.end is not None:
                    after = page.end
                    if rows.count:  # the next page may take its time
                        response.resume_token = self._tokens.seal(request, after.write())
                        yield response
                        _end_if_stopping()
                        response, rows = self._empty_message(fill)
        yield response

    def _empty_message(self, fill: Fill) -> tuple[messages.StreamQueryTwinsResponse, Filling]:
        response = messages.StreamQueryTwinsResponse()
        return response, Filling(response.rows, fill, max_bytes=self._max_bytes, max_items=MAX_ROWS)


def _end_if_stopping() -> None:
    stopping = current_call().stopping
    if stopping is not None and stopping.is_set():
        raise server_draining("Go on with the last resume_token.")
