"""What an upstream refuses with is as long as it likes, and costs little time whatever is in it."""

import time
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc.error_details_pb2 import BadRequest

from twinfront_server.errors import MAX_LISTED, MAX_STATUS_BYTES

from .calls import GET_TWIN, QUERY, RPCS, UPDATE_TWIN, Rpc, refused
from .fault_server import Answer, FaultServer

MOST_SECONDS = 0.5
"""Of processor time, the stand-in's own for making and sending the refusal included."""

UNITS = [" ", "\n", ". See ", ". See https://", ". \n", "dtmi:", "dtmi:a;1 ", " for a on ", " was not found. ", "room"]
CODES = ["ValidationFailed", "JsonPatchInvalid", "SqlQueryError", "ModelIdAlreadyExists", "DTDLParserError", "Odd"]


def _refusal(code: str, message: str, *details: str) -> dict[str, Any]:
    return {
        "error": {"code": code, "message": message, "details": [{"code": code, "message": text} for text in details]}
    }


async def _seconds(upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc, answer: Answer) -> float:
    upstream.on(rpc.path, answer)
    begin = time.process_time()
    error = await refused(rpc.call(channel))
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    return time.process_time() - begin


@pytest.mark.parametrize("unit", UNITS, ids=repr)
@pytest.mark.parametrize("rpc", [UPDATE_TWIN, QUERY], ids=str)
@pytest.mark.parametrize("size", [60_000, 4_000_000])
async def test_a_long_message(upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc, unit: str, size: int):
    body = _refusal("Odd", f"The path a. {unit * (size // len(unit))}")
    assert await _seconds(upstream, channel, rpc, Answer(400, body)) < MOST_SECONDS


@pytest.mark.parametrize("unit", UNITS, ids=repr)
async def test_many_long_problems(upstream: FaultServer, channel: grpc.aio.Channel, unit: str):
    problems = [f"p{index}{unit * (3_000 // len(unit))}" for index in range(20)]
    answer = Answer(400, _refusal("ValidationFailed", "Invalid twin specified", *problems))
    assert await _seconds(upstream, channel, UPDATE_TWIN, answer) < MOST_SECONDS


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("size", [60_000, 100_000, 1_000_000])
async def test_the_code_decides_however_long_the_message_is(
    upstream: FaultServer, channel: grpc.aio.Channel, code: str, size: int
):
    upstream.on("PATCH", Answer(400, _refusal(code, "No.")), Answer(400, _refusal(code, f"No. {' ' * size}")))
    short, long = await refused(UPDATE_TWIN.call(channel)), await refused(UPDATE_TWIN.call(channel))
    assert (long.code, long.reason) == (short.code, short.reason)
    assert long.message == short.message


async def test_300_000_problems_are_told_like_20(upstream: FaultServer, channel: grpc.aio.Channel):
    problems = [f"p{index} does not appear on the DTDL for Twin." for index in range(300_000)]
    upstream.on("PATCH", Answer(400, _refusal("ValidationFailed", "Invalid twin specified", *problems)))
    begin = time.process_time()
    error = await refused(UPDATE_TWIN.call(channel))
    assert time.process_time() - begin < 2 * MOST_SECONDS
    (listed,) = (detail for detail in error.details if isinstance(detail, BadRequest))
    assert [violation.description for violation in listed.field_violations] == problems[:MAX_LISTED]


@pytest.mark.parametrize("rpc", RPCS, ids=str)
async def test_the_status_stays_small(upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc):
    upstream.on(rpc.path, Answer(400, _refusal("ValidationFailed", "x" * 100_000, *["y" * 10_000] * 100)))
    error = await refused(rpc.call(channel))
    assert isinstance(error.__cause__, grpc.aio.AioRpcError)
    trailers: dict[str, str | bytes] = dict(error.__cause__.trailing_metadata())
    assert len(trailers["grpc-status-details-bin"]) < MAX_STATUS_BYTES


@pytest.mark.parametrize(
    "body", [b"<html>" * 100_000, b"[" * 1_000_000, b'"' + b"a" * 1_000_000 + b'"', b"\xff" * 100_000]
)
async def test_a_long_body_that_is_no_refusal(upstream: FaultServer, channel: grpc.aio.Channel, body: bytes):
    upstream.on("GET", Answer(400, body))
    error = await refused(GET_TWIN.call(channel))
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
