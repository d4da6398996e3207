"""Reads of one twin at the same time: each its own, unless their callers allow a stale answer."""

import asyncio

import grpc
import grpc.aio
import pytest

from twinfront.errors import from_rpc_error
from twinfront.v1.digital_twin_service_pb2 import GetDigitalTwinRequest
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub

from .fault_server import Answer, FaultServer

TWIN = Answer(
    200, {"$dtId": "room", "$etag": 'W/"1"', "$metadata": {"$model": "dtmi:a;1"}}, {"ETag": 'W/"1"'}, delay=0.3
)
STALE = GetDigitalTwinRequest(digital_twin_id="room", allow_stale=True)


async def test_reads_are_not_shared_by_default(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("GET /digitaltwins/room", TWIN)
    stub = DigitalTwinServiceStub(channel)
    request = GetDigitalTwinRequest(digital_twin_id="room")
    await asyncio.gather(*(stub.GetDigitalTwin(request) for _ in range(20)))
    assert upstream.sent("GET") == 20


async def test_callers_who_allow_it_share_one_read(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("GET /digitaltwins/room", TWIN)
    stub = DigitalTwinServiceStub(channel)
    answers = await asyncio.gather(*(stub.GetDigitalTwin(STALE) for _ in range(20)))
    assert {answer.etag for answer in answers} == {'W/"1"'}
    assert upstream.sent("GET") == 1
    await stub.GetDigitalTwin(STALE)
    assert upstream.sent("GET") == 2


async def test_a_caller_who_leaves_takes_nobody_along(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("GET /digitaltwins/room", TWIN)
    stub = DigitalTwinServiceStub(channel)
    first = stub.GetDigitalTwin(STALE)
    await upstream.received.wait()
    second = stub.GetDigitalTwin(STALE)
    hasty = stub.GetDigitalTwin(STALE, timeout=0.1)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await hasty
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    first.cancel()
    assert (await second).etag == 'W/"1"'
    assert upstream.sent("GET") == 1


async def test_the_read_ends_with_the_last_one_who_waits(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("GET /digitaltwins/room", Answer(200, b"{}", delay=60))
    call = DigitalTwinServiceStub(channel).GetDigitalTwin(STALE)
    await upstream.received.wait()
    call.cancel()
    await asyncio.wait_for(upstream.abandoned.wait(), timeout=5)


async def test_what_the_read_fails_with_everybody_gets(upstream: FaultServer, channel: grpc.aio.Channel):
    refusal = {"error": {"code": "DigitalTwinNotFound", "message": "No."}}
    upstream.on("GET /digitaltwins/room", Answer(404, refusal, delay=0.3))
    stub = DigitalTwinServiceStub(channel)
    failed = await asyncio.gather(*(stub.GetDigitalTwin(STALE) for _ in range(5)), return_exceptions=True)
    reasons = {from_rpc_error(error).reason for error in failed if isinstance(error, grpc.aio.AioRpcError)}
    assert (len(failed), reasons) == (5, {"TWIN_NOT_FOUND"})
    assert upstream.sent("GET") == 1
