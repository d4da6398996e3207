"""Streams of queries whose upstream pages are slow, many, or not to be had."""

import asyncio
import itertools
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc.error_details_pb2 import BadRequest

from twinfront.errors import from_rpc_error
from twinfront.v1.query_service_pb2 import StreamQueryTwinsRequest
from twinfront.v1.query_service_pb2_grpc import QueryServiceStub
from twinfront_server.app import App

from .fault_server import Answer, FaultServer

ROW = {"text": "x" * 10_000}
ALL = StreamQueryTwinsRequest(query="SELECT * FROM digitaltwins")
TOKEN_REFUSED = Answer(400, {"error": {"code": "BadRequest", "message": "The continuationToken is not one of ours."}})


def page(number: int, *, last: bool = False, rows: int = 50) -> Answer:
    """A page of half a megabyte."""
    body = {"value": [{**ROW, "page": number}] * rows, "continuationToken": None if last else f"page-{number + 1}"}
    return Answer(200, body, {"query-charge": "2.5"})


def numbered(start: int, end: int, *, last: bool = False) -> Answer:
    """A page of rows that say their numbers."""
    rows = [{"number": number} for number in range(start, end)]
    return Answer(200, {"value": rows, "continuationToken": None if last else f"from-{end}"})


def numbered_pages(*sizes: int) -> list[Answer]:
    """The list from its beginning, in pages of these sizes."""
    ends = list(itertools.accumulate(sizes))
    return [numbered(end - size, end, last=end == ends[-1]) for size, end in zip(sizes, ends, strict=True)]


def numbers(message: Any) -> list[int]:
    return [row.fields["number"].int_value for row in message.rows]


async def refused_field(stub: Any, resume_token: str) -> tuple[str, list[str]]:
    """The reason that a stream ends with, and the fields that are wrong."""
    request = StreamQueryTwinsRequest(query=ALL.query, resume_token=resume_token)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await _read_on(stub.StreamQueryTwins(request))
    error = from_rpc_error(raised.value)
    found = [detail for detail in error.details if isinstance(detail, BadRequest)]
    return error.reason, [violation.field for detail in found for violation in detail.field_violations]


async def test_a_caller_who_does_not_read_is_not_read_ahead_for(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("POST /query", *(page(number) for number in range(100)))
    call = QueryServiceStub(channel).StreamQueryTwins(ALL)
    await call.read()
    asked = -1
    while asked != upstream.sent("POST"):
        asked = upstream.sent("POST")
        await asyncio.sleep(0.3)
    assert asked < 20
    call.cancel()


async def test_a_caller_who_leaves_is_not_asked_for_any_more(
    upstream: FaultServer, channel: grpc.aio.Channel, server: App
):
    upstream.on("POST /query", page(0), Answer(200, b"", delay=60))
    call = QueryServiceStub(channel).StreamQueryTwins(ALL)
    await call.read()
    while upstream.sent("POST") < 2:
        await asyncio.sleep(0.01)
    call.cancel()
    await asyncio.wait_for(upstream.abandoned.wait(), timeout=1)
    await asyncio.wait_for(server._chain.in_flight.idle(), timeout=1)


async def test_a_page_that_fails_once_is_read_again(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("POST /query", page(0), Answer(503), page(1, last=True))
    rows = [
        row.fields["page"].int_value
        async for message in QueryServiceStub(channel).StreamQueryTwins(ALL)
        for row in message.rows
    ]
    assert rows == [0] * 50 + [1] * 50


async def test_a_stream_that_breaks_can_be_gone_on_with(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("POST /query", page(0), *[Answer(503)] * 3, page(1, last=True))
    stub = QueryServiceStub(channel)
    call = stub.StreamQueryTwins(ALL)
    messages: list[Any] = [await call.read(), await call.read()]
    assert sum(len(message.rows) for message in messages) == 50
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call.read()
    assert from_rpc_error(raised.value).reason == "UPSTREAM_UNAVAILABLE"
    rest = StreamQueryTwinsRequest(query=ALL.query, resume_token=messages[-1].resume_token)
    rows = [row.fields["page"].int_value async for message in stub.StreamQueryTwins(rest) for row in message.rows]
    assert rows == [1] * 50
    assert b"page-1" in upstream.requests[-1].body


async def test_a_stream_is_gone_on_with_whatever_the_pages_are_by_then(
    upstream: FaultServer, channel: grpc.aio.Channel
):
    upstream.on("POST /query", numbered(0, 250, last=True), *numbered_pages(60, 60, 200))
    stub = QueryServiceStub(channel)
    first: Any = await stub.StreamQueryTwins(ALL).read()
    taken = numbers(first)
    assert (taken, first.resume_token != "") == (list(range(100)), True)
    rest = StreamQueryTwinsRequest(query=ALL.query, resume_token=first.resume_token)
    assert [each async for message in stub.StreamQueryTwins(rest) for each in numbers(message)] == list(range(100, 320))


async def test_a_token_that_the_upstream_does_not_take_is_the_resume_token(
    upstream: FaultServer, channel: grpc.aio.Channel
):
    upstream.on("POST /query", page(0), page(1, last=True), TOKEN_REFUSED)
    stub = QueryServiceStub(channel)
    messages = [message async for message in stub.StreamQueryTwins(ALL)]
    assert await refused_field(stub, messages[1].resume_token) == ("PAGE_TOKEN_INVALID", ["resume_token"])


async def test_a_token_of_the_upstreams_own_that_it_does_not_take_is_no_fault_of_the_caller(
    upstream: FaultServer, channel: grpc.aio.Channel
):
    upstream.on("POST /query", page(0), TOKEN_REFUSED)
    assert await refused_field(QueryServiceStub(channel), "") == ("UPSTREAM_ANSWER_UNEXPECTED", [])


async def test_what_is_no_page_of_rows_is_not_understood(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("POST /query", Answer(200, {"rows": []}))
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await QueryServiceStub(channel).StreamQueryTwins(ALL).read()
    assert from_rpc_error(raised.value).reason == "UPSTREAM_ANSWER_UNEXPECTED"


async def test_a_server_that_stops_says_so_after_a_message(
    upstream: FaultServer, channel: grpc.aio.Channel, server: App
):
    upstream.on("POST /query", page(0), page(1), page(2, last=True))
    call = QueryServiceStub(channel).StreamQueryTwins(ALL)
    first: Any = await call.read()
    server._chain.draining.end_streams()
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await asyncio.wait_for(_read_on(call), timeout=5)
    error = from_rpc_error(raised.value)
    assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING")
    assert first.resume_token


async def _read_on(call: Any) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass
