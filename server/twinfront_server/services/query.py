"""`QueryService`."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Any, Final

from twinfront.v1 import query_service_pb2 as messages
from twinfront.v1.query_service_pb2_grpc import QueryServiceServicer
from twinfront_server.call import current_call
from twinfront_server.errors import server_draining
from twinfront_server.services.paging import checked_page_size, read_page
from twinfront_server.upstream import Upstream
from twinfront_server.upstream.page_ahead import pages_ahead
from twinfront_server.wire.page_token import PageTokens, Position
from twinfront_server.wire.query import fill_row, required_query
from twinfront_server.wire.representation import wants_json, wants_metadata

STREAMED_PAGE: Final = 500
"""How many rows are read ahead."""

MAX_ROWS: Final = 100
MAX_BYTES: Final = 256 << 10
"""When a message of a stream is full; a single larger row makes a larger one."""

_END: Final = Position("")


class QueryService(QueryServiceServicer):
    """Queries."""

    def __init__(self, upstream: Upstream, tokens: PageTokens) -> None:
        self._upstream = upstream
        self._tokens = tokens

    async def QueryTwins(self, request: messages.QueryTwinsRequest, context: Any) -> messages.QueryTwinsResponse:
        as_json, metadata = wants_json(request.representation), wants_metadata(request.view)
        size = checked_page_size(request.page_size)
        fetch = partial(self._upstream.query_twins, required_query(request.query), page_size=size)
        items, following = await read_page(fetch, self._tokens.open(request, request.page_token), size)
        response = messages.QueryTwinsResponse(query_charge=current_call().query_charge or 0.0)
        for item in items:
            fill_row(response.rows.add(), item, as_json=as_json, metadata=metadata)
        if following is not None:
            response.next_page_token = self._tokens.seal(request, following)
        return response

    async def StreamQueryTwins(
        self, request: messages.StreamQueryTwinsRequest, context: Any
    ) -> AsyncIterator[messages.StreamQueryTwinsResponse]:
        as_json, metadata = wants_json(request.representation), wants_metadata(request.view)
        fetch = partial(self._upstream.query_twins, required_query(request.query), page_size=STREAMED_PAGE)
        start = self._tokens.open(request, request.resume_token, "resume_token")
        stopping = current_call().stopping
        skip = start.skip
        response, size = messages.StreamQueryTwinsResponse(), 0
        async with aclosing(pages_ahead(fetch, start.link)) as pages:
            async for link, page in pages:
                response.query_charge += page.query_charge
                for number, item in enumerate(page.items[skip:], skip + 1):
                    row = response.rows.add()
                    fill_row(row, item, as_json=as_json, metadata=metadata)
                    size += row.ByteSize()
                    is_full = len(response.rows) >= MAX_ROWS or size >= MAX_BYTES
                    following = Position(link, number) if number < len(page.items) else Position(page.next_link)
                    if following != _END and (is_full or number == len(page.items)):
                        response.resume_token = self._tokens.seal(request, following)
                        yield response
                        if stopping is not None and stopping.is_set():
                            raise server_draining("Go on with the last resume_token.")
                        response, size = messages.StreamQueryTwinsResponse(), 0
                skip = 0
        yield response
