"""The figures of an answer tell the time of the upstream from that of the server."""

import asyncio
from collections.abc import Mapping
from typing import Any

import grpc.aio
import pytest

from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront.v1.query_service_pb2 import StreamQueryTwinsRequest
from twinfront.v1.query_service_pb2_grpc import QueryServiceStub
from twinfront_server.app import App

from .fault_server import Answer, FaultServer

DELAY = 0.5
TWIN = Answer(200, {"$dtId": "room", "$metadata": {"$model": "dtmi:a;1"}}, {"ETag": 'W/"1"'}, delay=DELAY)


async def milliseconds(call: grpc.aio.UnaryUnaryCall[Any, Any]) -> tuple[float, float]:
    """Gives the time of the upstream and that of the server."""
    trailers: Mapping[str, str | bytes] = dict(await call.trailing_metadata())
    return float(trailers["twinfront-upstream-ms"]), float(trailers["twinfront-server-ms"])


async def test_a_slow_upstream_is_not_the_servers_time(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("GET", TWIN)
    call = DigitalTwinServiceStub(channel).GetDigitalTwin(twins.GetDigitalTwinRequest(digital_twin_id="room"))
    await call
    of_upstream, of_server = await milliseconds(call)
    assert of_upstream >= DELAY * 1000
    assert 0 < of_server < DELAY * 1000


async def test_an_error_tells_both_times(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("GET", Answer(404, {"error": {"code": "DigitalTwinNotFound", "message": "No."}}, delay=DELAY))
    call = DigitalTwinServiceStub(channel).GetDigitalTwin(twins.GetDigitalTwinRequest(digital_twin_id="room"))
    with pytest.raises(grpc.aio.AioRpcError):
        await call
    of_upstream, of_server = await milliseconds(call)
    assert of_upstream >= DELAY * 1000
    assert 0 < of_server < DELAY * 1000


async def test_requests_at_the_same_time_leave_the_server_its_own(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("GET", TWIN)
    request = twins.BatchGetDigitalTwinsRequest(digital_twin_ids=[f"room{number}" for number in range(4)])
    call = DigitalTwinServiceStub(channel).BatchGetDigitalTwins(request)
    await call
    of_upstream, of_server = await milliseconds(call)
    assert of_upstream >= 4 * DELAY * 1000
    assert 0 < of_server < DELAY * 1000


async def test_a_write_with_a_request_id_tells_both_times(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("DELETE", Answer(204, delay=DELAY))
    request = twins.DeleteDigitalTwinRequest(digital_twin_id="room", request_id="once")
    call = DigitalTwinServiceStub(channel).DeleteDigitalTwin(request)
    await call
    of_upstream, of_server = await milliseconds(call)
    assert of_upstream >= DELAY * 1000
    assert 0 < of_server < DELAY * 1000


async def test_a_shared_read_is_the_upstreams_time_for_all_who_wait(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("GET", TWIN)
    stub = DigitalTwinServiceStub(channel)
    request = twins.GetDigitalTwinRequest(digital_twin_id="room", allow_stale=True)
    calls = [stub.GetDigitalTwin(request) for _ in range(2)]
    await asyncio.gather(*calls)
    for call in calls:
        _, of_server = await milliseconds(call)
        assert 0 < of_server < DELAY * 1000


async def test_the_time_of_the_server_is_told_of_unary_calls(
    server: App, upstream: FaultServer, channel: grpc.aio.Channel
):
    upstream.on("GET", TWIN)
    upstream.on("POST", Answer(200, {"value": []}))
    value = server.metrics.registry.get_sample_value
    await DigitalTwinServiceStub(channel).GetDigitalTwin(twins.GetDigitalTwinRequest(digital_twin_id="room"))
    _ = [row async for row in QueryServiceStub(channel).StreamQueryTwins(StreamQueryTwinsRequest(query="SELECT *"))]
    labels = {"grpc_method": "GetDigitalTwin"}
    assert value("twinfront_server_seconds_count", labels) == 1
    seconds = value("twinfront_server_seconds_sum", labels)
    assert seconds is not None
    assert 0 < seconds < DELAY
    assert value("twinfront_server_seconds_count", {"grpc_method": "StreamQueryTwins"}) is None
