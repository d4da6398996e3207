"""Queries."""

import orjson
from azure.digitaltwins.core._generated.models import QueryTwinsOptions
from azure.digitaltwins.core.aio import DigitalTwinsClient

from twinfront_server.adt.answer import Page, page_of
from twinfront_server.adt.body import Body
from twinfront_server.adt.json_text import parse_answer
from twinfront_server.call import current_call
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked, Origin
from twinfront_server.upstream.sdk.prepared_requests import PreparedRequests
from twinfront_server.upstream.sending import send


class Queries:
    """Queries."""

    def __init__(self, sdk: DigitalTwinsClient) -> None:
        # The SDK's public method leaves no way to the page size, nor to the charge.
        self._query = PreparedRequests(sdk).method(
            "_client.query.query_twins",
            lambda size: (b"", QueryTwinsOptions(max_items_per_page=int(size))),
            reads="query-charge",
        )

    async def page(
        self,
        query: str,
        continuation: str,
        *,
        page_size: int,
        place_field: str = "page_token",
        by_the_front: bool = False,
    ) -> Page:
        """Reads one page of the rows of a query, as parsed JSON; its link is the continuation token of the next page.

        What it was charged is added to the current call's.

        Args:
            query: the query.
            continuation: the token of the page; empty for the first one.
            page_size: how many rows are wanted; the upstream may answer fewer, with a link, and none at all.
            place_field: the field of the caller's request that has the place to go on from.
            by_the_front: whether the query is the front's own and not the caller's.

        Raises:
            TwinfrontError: QUERY_INVALID, unless the query is the front's own; PAGE_TOKEN_INVALID; what keeps the
                upstream from answering.
        """
        document = {"query": query, **({"continuationToken": continuation} if continuation else {})}
        asked = Asked(
            operations.QUERY_TWINS,
            body=Body(orjson.dumps(document), "query"),
            origin=Origin(place_field=place_field, by_the_front=by_the_front),
        )
        answer = await send(asked, self._query, str(page_size))
        call = current_call()
        call.charged(answer.query_charge)
        page = page_of(parse_answer(answer.body), "continuationToken", query_charge=answer.query_charge)
        return page.read_at(continuation)
