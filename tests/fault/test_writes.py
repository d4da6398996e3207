"""Writes whose answers are lost are not sent again while nobody knows whether they were applied.

What the front reads to find that out does not help here: it fails as well, or shows what no write explains.
"""

import socket
from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from tests import engine

from twinfront_server.app import App
from twinfront_server.settings import Settings

from .calls import CREATE_TWIN, DELETE_TWIN, GET_TWIN, UPDATE_TWIN_IF_MATCH, WRITES, Rpc, refused, trailers
from .fault_server import Answer, FaultServer

LOST = [
    Answer(breaks="after"),
    Answer(200, b"{", breaks="within"),
    Answer(500),
    Answer(502, b"<html>"),
    Answer(503, headers={"Retry-After": "0"}),
    Answer(504),
    Answer(408),
]


@pytest.mark.parametrize("rpc", WRITES, ids=str)
@pytest.mark.parametrize("lost", LOST, ids=lambda answer: f"{answer.status} {answer.breaks}")
async def test_a_lost_answer_leaves_the_outcome_unknown(
    upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc, lost: Answer
):
    upstream.on(rpc.path, lost)
    error = await refused(rpc.call(channel))
    assert (error.code, error.reason) == (grpc.StatusCode.UNKNOWN, "OUTCOME_UNKNOWN")
    assert trailers(error).get("grpc-retry-pushback-ms") == engine.pushback("-1")
    assert upstream.sent(rpc.method) == 1


@pytest.mark.parametrize("rpc", [CREATE_TWIN, DELETE_TWIN, UPDATE_TWIN_IF_MATCH], ids=str)
async def test_a_connection_that_was_used_before_is_no_reason_to_send_again(
    upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc
):
    upstream.on("GET", Answer(200, {"$dtId": "room"}), Answer(500))
    upstream.on(rpc.method, Answer(breaks="after"))
    await GET_TWIN.call(channel)
    error = await refused(rpc.call(channel))
    assert error.reason == "OUTCOME_UNKNOWN"
    assert upstream.sent(rpc.method) == 1


@pytest.mark.parametrize("rpc", WRITES, ids=str)
async def test_throttling_is_passed_on_and_not_waited_for(upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc):
    upstream.on(rpc.path, Answer(429, headers={"Retry-After": "0"}))
    error = await refused(rpc.call(channel))
    assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "UPSTREAM_THROTTLED")
    assert upstream.sent(rpc.method) == 1


class TestWithAShortUpstreamTimeout:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.changed(upstream_timeout=0.1)

    async def test_a_write_that_is_not_answered_in_time_has_an_unknown_outcome(
        self, upstream: FaultServer, channel: grpc.aio.Channel
    ):
        upstream.on("PATCH", Answer(delay=60.0))
        error = await refused(UPDATE_TWIN_IF_MATCH.call(channel))
        assert error.reason == "OUTCOME_UNKNOWN"
        assert upstream.sent("PATCH") == 1


class TestWithoutAnUpstream:
    @pytest.fixture
    async def server(self) -> AsyncIterator[App]:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            settings = Settings(
                listen="127.0.0.1:0",
                metrics_listen="none",
                upstream=f"http://127.0.0.1:{taken.getsockname()[1]}",
                upstream_credential="none",
            )
            async with App(settings) as app:
                yield app

    @pytest.mark.parametrize("rpc", [*WRITES, GET_TWIN], ids=str)
    async def test_a_refused_connection_is_unavailability(self, channel: grpc.aio.Channel, rpc: Rpc):
        error = await refused(rpc.call(channel))
        assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "UPSTREAM_UNAVAILABLE")
        assert any(isinstance(detail, RetryInfo) for detail in error.details)
