"""Streams that break, and go on."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from twinfront import AsyncTwinfrontClient, UnavailableError
from twinfront._retry import ATTEMPTS
from twinfront.v1.query_service_pb2 import StreamQueryTwinsResponse

from .scripted_server import ScriptedServer

ROWS = 4


def breaking_after(*breaks: int) -> Any:
    """Answers a row a message; the first calls break after so many messages each, the next one does not."""
    remaining = iter(breaks)

    def answer(request: Any, context: grpc.ServicerContext) -> Iterator[Message]:
        left = next(remaining, None)
        for number in range(int(request.resume_token or "0"), ROWS):
            if left == 0:
                break
            left = None if left is None else left - 1
            response = StreamQueryTwinsResponse(resume_token=str(number + 1) if number + 1 < ROWS else "")
            response.rows.add(json=b'{"number":%d}' % number)
            yield response
        if left is not None:
            context.abort(grpc.StatusCode.UNAVAILABLE, "The connection broke.")

    return answer


async def rows(client: AsyncTwinfrontClient) -> list[int]:
    return [row["number"] async for row in client.stream_query("SELECT * FROM digitaltwins")]


@pytest.mark.parametrize("breaks", [(), (1,), (2, 1), (1, 1, 1)])
async def test_every_row_comes_once(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient, breaks: tuple[int, ...]
) -> None:
    scripted.answers["StreamQueryTwins"] = breaking_after(*breaks)
    assert await rows(scripted_client) == list(range(ROWS))


async def test_a_break_after_the_last_row_is_no_reason_to_begin_again(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    scripted.answers["StreamQueryTwins"] = breaking_after(ROWS)
    assert await rows(scripted_client) == list(range(ROWS))
    assert len(scripted.requests) == 1


async def test_a_stream_that_brings_no_rows_and_breaks_is_given_up(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    def answer(_request: Any, context: grpc.ServicerContext) -> Iterator[Message]:
        yield StreamQueryTwinsResponse(resume_token=str(len(scripted.requests)))
        context.abort(grpc.StatusCode.UNAVAILABLE, "The connection broke.")

    scripted.answers["StreamQueryTwins"] = answer
    with pytest.raises(UnavailableError):
        await rows(scripted_client)
    assert len(scripted.requests) == ATTEMPTS


async def test_a_stream_that_goes_back_to_where_it_began_is_given_up(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    def answer(_request: Any, context: grpc.ServicerContext) -> Iterator[Message]:
        response = StreamQueryTwinsResponse(resume_token="1")
        response.rows.add(json=b'{"number":0}')
        yield response
        context.abort(grpc.StatusCode.UNAVAILABLE, "The connection broke.")

    scripted.answers["StreamQueryTwins"] = answer
    with pytest.raises(UnavailableError):
        await rows(scripted_client)
    assert len(scripted.requests) == ATTEMPTS


async def test_a_stream_that_never_gets_on_is_given_up(
    scripted: ScriptedServer, scripted_client: AsyncTwinfrontClient
) -> None:
    scripted.answers["StreamQueryTwins"] = breaking_after(*[0] * 100)
    with pytest.raises(UnavailableError):
        await rows(scripted_client)
