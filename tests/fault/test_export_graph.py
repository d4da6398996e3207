"""Exports whose upstream refuses queries, or cuts its pages otherwise from one time to the next."""

from collections.abc import Sequence
from typing import Any, Final

import grpc
import grpc.aio
import pytest
from google.rpc.error_details_pb2 import BadRequest

from twinfront.errors import from_rpc_error
from twinfront.v1.graph_service_pb2 import ExportGraphRequest
from twinfront.v1.graph_service_pb2_grpc import GraphServiceStub

from .fault_server import Answer, FaultServer

ROOMS: Final = "SELECT * FROM digitaltwins T WHERE T.floor = 3"
NEIGHBOURS: Final = "SELECT R FROM digitaltwins T JOIN R RELATED T.nextTo WHERE T.$dtId = 'a'"
NONE: Final = Answer(200, {"value": [], "continuationToken": None})


def twins(numbers: Sequence[int], following: str | None = None) -> Answer:
    """A page of twins of 10 KB each."""
    rows = [
        {"$dtId": f"t{number:03}", "$metadata": {"$model": "dtmi:example:Room;1"}, "text": "x" * 10_000}
        for number in numbers
    ]
    return Answer(200, {"value": rows, "continuationToken": following})


def refusal(code: str, message: str = "No.") -> Answer:
    return Answer(400, {"error": {"code": code, "message": message}})


async def exported(channel: grpc.aio.Channel, **request: Any) -> list[Any]:
    call = GraphServiceStub(channel).ExportGraph(ExportGraphRequest(exclude_models=True, **request))
    return [message async for message in call]


def ids(messages: Sequence[Any]) -> list[str]:
    return [item.digital_twin.id for message in messages for item in message.items]


async def refused(channel: grpc.aio.Channel, **request: Any) -> tuple[grpc.StatusCode, str, list[str]]:
    """Code and reason that an export ends with, and the fields of the request that are wrong."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await exported(channel, **request)
    error = from_rpc_error(raised.value)
    details = [detail for detail in error.details if isinstance(detail, BadRequest)]
    return error.code, error.reason, [violation.field for detail in details for violation in detail.field_violations]


async def test_an_export_is_gone_on_with_whatever_the_pages_are_by_then(
    upstream: FaultServer, channel: grpc.aio.Channel
):
    upstream.on(
        "POST /query",
        *(twins(range(60)), NONE),
        *(twins(range(10), "a"), twins(range(10, 20), "b"), twins(range(20, 60)), NONE),
    )
    whole = await exported(channel)
    assert 20 < len(whole[0].items) < 30
    rest = await exported(channel, resume_token=whole[0].resume_token)
    assert ids([whole[0], *rest]) == [f"t{number:03}" for number in range(60)]


async def test_a_query_of_the_callers_that_is_refused_is_named(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("POST /query", refusal("SqlQueryError"))
    for query in (ROOMS, NEIGHBOURS):
        assert await refused(channel, query=query) == (grpc.StatusCode.INVALID_ARGUMENT, "QUERY_INVALID", ["query"])


@pytest.mark.parametrize("code", ["SqlQueryError", "BadRequest", ""])
@pytest.mark.parametrize(
    ("query", "before"),
    [("", []), ("", [NONE]), (ROOMS, [twins([1])]), (NEIGHBOURS, [twins([1])]), (NEIGHBOURS, [twins([1])] * 2)],
    ids=["all twins", "all relationships", "their relationships", "twins by id", "relationships of those"],
)
async def test_a_query_of_the_fronts_own_that_is_refused_is_no_fault_of_the_caller(
    upstream: FaultServer, channel: grpc.aio.Channel, query: str, before: list[Answer], code: str
):
    upstream.on("POST /query", *before, refusal(code))
    assert await refused(channel, query=query) == (grpc.StatusCode.INTERNAL, "UPSTREAM_ANSWER_UNEXPECTED", [])


async def test_a_query_of_the_fronts_own_that_takes_too_long_can_be_tried_again(
    upstream: FaultServer, channel: grpc.aio.Channel
):
    upstream.on("POST /query", refusal("TimeoutError"))
    assert await refused(channel) == (grpc.StatusCode.UNAVAILABLE, "UPSTREAM_UNAVAILABLE", [])


async def test_a_token_that_the_upstream_does_not_take_is_the_resume_token(
    upstream: FaultServer, channel: grpc.aio.Channel
):
    token_refused = refusal("BadRequest", "The continuationToken is not one of ours.")
    upstream.on("POST /query", twins(range(30), "a"), twins(range(30, 60)), NONE, token_refused)
    whole = await exported(channel)
    expected = (grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID", ["resume_token"])
    assert await refused(channel, resume_token=whole[1].resume_token) == expected


async def test_rows_that_are_no_twins_though_twins_were_asked_for_are_not_understood(
    upstream: FaultServer, channel: grpc.aio.Channel
):
    upstream.on("POST /query", Answer(200, {"value": [{"text": "x"}], "continuationToken": None}))
    assert await refused(channel) == (grpc.StatusCode.INTERNAL, "UPSTREAM_ANSWER_UNEXPECTED", [])
