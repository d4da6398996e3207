"""The caller's deadline bounds the upstream, and its leaving ends the work there."""

import asyncio

import grpc
import grpc.aio
import pytest

from twinfront.errors import TwinfrontError
from twinfront_server.app import App

from ..clock import Clock
from .calls import GET_TWIN, LIST_RELATIONSHIPS, UPDATE_TWIN, UPDATE_TWIN_IF_MATCH, Rpc, refused
from .fault_server import NEVER, Answer, FaultServer

SECONDS = 20.0


async def past_its_deadline(
    rpc: Rpc, channel: grpc.aio.Channel, upstream: FaultServer, clock: Clock, until: str = ""
) -> TwinfrontError:
    """How a call ends whose deadline passes when the upstream has been asked, with this method if one is named."""
    call = asyncio.ensure_future(refused(rpc.call(channel, timeout=SECONDS)))
    await upstream.asked(until or rpc.method)
    await clock.advance(SECONDS)
    return await call


@pytest.mark.parametrize("rpc", [GET_TWIN, UPDATE_TWIN, LIST_RELATIONSHIPS], ids=str)
async def test_a_call_ends_at_its_deadline_and_so_does_the_upstream_s(
    upstream: FaultServer, channel: grpc.aio.Channel, clock: Clock, rpc: Rpc
):
    upstream.on(rpc.path, NEVER)
    error = await past_its_deadline(rpc, channel, upstream, clock)
    assert error.code is grpc.StatusCode.DEADLINE_EXCEEDED
    await asyncio.wait_for(upstream.abandoned.wait(), 10)
    assert upstream.sent(rpc.method) == 1


async def test_the_answer_to_a_passed_deadline_is_typed(upstream: FaultServer, channel: grpc.aio.Channel, clock: Clock):
    upstream.on("/digitaltwins/room", NEVER)
    error = await past_its_deadline(GET_TWIN, channel, upstream, clock)
    assert (error.code, error.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")


@pytest.mark.parametrize("rpc", [GET_TWIN, UPDATE_TWIN, LIST_RELATIONSHIPS], ids=str)
async def test_a_cancelled_call_cancels_the_upstream_s(upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc):
    upstream.on(rpc.path, NEVER)
    call = asyncio.ensure_future(rpc.call(channel))
    await asyncio.wait_for(upstream.received.wait(), 10)
    call.cancel()
    await asyncio.wait_for(upstream.abandoned.wait(), 10)
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_a_request_that_was_cut_off_is_measured_as_cancelled(
    upstream: FaultServer, server: App, channel: grpc.aio.Channel, clock: Clock
):
    upstream.on("/digitaltwins/room", NEVER)
    await past_its_deadline(GET_TWIN, channel, upstream, clock)
    await asyncio.wait_for(upstream.abandoned.wait(), 10)
    labels = {"operation": "get_digital_twin", "outcome": "cancelled"}
    assert server.metrics.registry.get_sample_value("twinfront_upstream_request_seconds_count", labels) == 1


async def test_a_client_that_vanishes_ends_the_upstream_s_work(upstream: FaultServer, server: App):
    upstream.on("/digitaltwins/room", NEVER)
    channel = grpc.aio.insecure_channel(str(server.address))
    call = asyncio.ensure_future(GET_TWIN.call(channel))
    await asyncio.wait_for(upstream.received.wait(), 10)
    await channel.close()
    await asyncio.wait_for(upstream.abandoned.wait(), 10)
    with pytest.raises((asyncio.CancelledError, grpc.aio.AioRpcError)):
        await call


async def test_the_server_serves_on_after_clients_have_vanished(
    upstream: FaultServer, server: App, channel: grpc.aio.Channel
):
    upstream.on("/digitaltwins/room", NEVER, Answer(200, {"$dtId": "room"}))
    other = grpc.aio.insecure_channel(str(server.address))
    call = asyncio.ensure_future(GET_TWIN.call(other))
    await asyncio.wait_for(upstream.received.wait(), 10)
    await other.close()
    await asyncio.gather(call, return_exceptions=True)
    assert (await GET_TWIN.call(channel)).digital_twin.id == "room"


async def test_a_conflict_is_told_though_the_current_etag_comes_too_late(
    upstream: FaultServer, channel: grpc.aio.Channel, clock: Clock
):
    upstream.on("PATCH", Answer(412, {"error": {"code": "PreconditionFailed", "message": "No."}}))
    upstream.on("GET", NEVER)
    error = await past_its_deadline(UPDATE_TWIN_IF_MATCH, channel, upstream, clock, until="GET")
    assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
