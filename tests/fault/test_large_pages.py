"""Lists and queries whose items are large, called by plain stubs: these take 4 MiB."""

from typing import Any, Final

import grpc
import grpc.aio
import orjson
import pytest

from twinfront.errors import TwinfrontError
from twinfront.v1.query_service_pb2 import StreamQueryTwinsRequest
from twinfront.v1.query_service_pb2_grpc import QueryServiceStub
from twinfront.v1.representation_pb2 import Representation
from twinfront_server.app import App

from .calls import QUERY, RPCS, Rpc, refused
from .fault_server import Answer, FaultServer

JSON: Final = Representation.REPRESENTATION_JSON
TOO_LARGE: Final = 17 << 20

every_list = pytest.mark.parametrize("rpc", [*(rpc for rpc in RPCS if rpc.name.startswith("List")), QUERY], ids=str)


def page(*sizes: int) -> Answer:
    """A last page of items with these sizes, which say their numbers."""
    items = [{"number": number, "text": "x" * size} for number, size in enumerate(sizes)]
    return Answer(200, {"value": items, "nextLink": None, "continuationToken": None})


def numbers(response: Any) -> list[int]:
    """The numbers of the items in the list that a response has."""
    (items,) = (value for _, value in response.ListFields() if not isinstance(value, str | float))
    return [orjson.loads(item.json)["number"] for item in items]


def is_limit(error: TwinfrontError, server: App) -> bool:
    """Whether an error is the limit for responses, and counted as that."""
    counted = server.metrics.registry.get_sample_value("twinfront_errors_total", {"reason": "LIMIT_REACHED"})
    return (error.code, error.reason, counted) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "LIMIT_REACHED", 1)


@every_list
async def test_pages_are_cut_by_their_bytes(upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc):
    upstream.on(f"{rpc.method} {rpc.path}", page(*[1_000_000] * 8))
    pages: list[list[int]] = []
    token = ""
    while token or not pages:
        response = await rpc.having(representation=JSON, page_token=token).call(channel)
        pages.append(numbers(response))
        token = response.next_page_token
    assert pages == [[0, 1, 2], [3, 4, 5], [6, 7]]


@every_list
async def test_an_item_that_no_response_may_have_is_said_and_counted(
    upstream: FaultServer, channel: grpc.aio.Channel, server: App, rpc: Rpc
):
    upstream.on(f"{rpc.method} {rpc.path}", page(TOO_LARGE))
    error = await refused(rpc.having(representation=JSON).call(channel))
    await server._chain.in_flight.idle()
    assert is_limit(error, server)


async def test_a_row_that_no_message_may_have_ends_a_stream(
    upstream: FaultServer, channel: grpc.aio.Channel, server: App
):
    upstream.on("POST /query", page(10, TOO_LARGE))
    call = QueryServiceStub(channel).StreamQueryTwins(StreamQueryTwinsRequest(query="…", representation=JSON))
    assert numbers(await call.read()) == [0]
    error = await refused(call.read())
    await server._chain.in_flight.idle()
    assert is_limit(error, server)
