"""Queries: their calls, and their pages."""

from dataclasses import dataclass
from typing import Any

from twinfront import _json
from twinfront._calls import Call, View, view_number
from twinfront._pages import Page
from twinfront.v1 import query_service_pb2 as rpcs
from twinfront.v1.representation_pb2 import REPRESENTATION_JSON


@dataclass(frozen=True, slots=True)
class QueryPage(Page[dict[str, Any]]):
    """One page of a query's rows, each in the JSON form of Azure Digital Twins."""

    query_charge: float = 0.0
    """What the page was charged, in query units."""


def query(
    text: str, *, view: View, page_size: int | None, page_token: str
) -> Call[rpcs.QueryTwinsRequest, rpcs.QueryTwinsResponse, Page[dict[str, Any]]]:
    return Call(
        rpcs.QueryTwinsRequest(
            query=text,
            page_size=page_size or 0,
            page_token=page_token,
            representation=REPRESENTATION_JSON,
            view=view_number(view),
        ),
        lambda response: QueryPage(
            [_json.load(row.json) for row in response.rows], response.next_page_token, response.query_charge
        ),
    )


def stream_query(
    text: str, *, view: View, resume_token: str
) -> Call[rpcs.StreamQueryTwinsRequest, rpcs.StreamQueryTwinsResponse, list[dict[str, Any]]]:
    return Call(
        rpcs.StreamQueryTwinsRequest(
            query=text, resume_token=resume_token, representation=REPRESENTATION_JSON, view=view_number(view)
        ),
        lambda response: [_json.load(row.json) for row in response.rows],
    )
