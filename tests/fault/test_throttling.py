"""429 of the upstream: the caller is told when to come back, in ways that plain stubs obey."""

import time
from importlib.resources import files

import grpc
import grpc.aio
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from tests import engine

from twinfront_server.app import App
from twinfront_server.settings import Settings

from .calls import DELETE_TWIN, GET_TWIN, UPDATE_TWIN, refused, trailers
from .fault_server import Answer, FaultServer

INSTANCE_THROTTLE = {"error": {"statusCode": 429, "message": "Maximum request rate limit reached."}}
TWIN_THROTTLE = {
    "error": {"twinId": "room", "code": "TooManyRequests", "message": "Too many requests to this twin have been made."}
}


@pytest.mark.parametrize("body", [INSTANCE_THROTTLE, TWIN_THROTTLE, b""], ids=["instance", "twin", "empty"])
@pytest.mark.parametrize(("headers", "milliseconds"), [({"Retry-After": "8"}, "8000"), ({}, "1000")])
async def test_every_form_tells_when_to_come_back(
    upstream: FaultServer, channel: grpc.aio.Channel, body: object, headers: dict[str, str], milliseconds: str
):
    upstream.on("PATCH", Answer(429, body, headers))
    error = await refused(UPDATE_TWIN.call(channel))
    assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "UPSTREAM_THROTTLED")
    assert trailers(error).get("grpc-retry-pushback-ms") == engine.pushback(milliseconds)
    (info,) = (detail for detail in error.details if isinstance(detail, RetryInfo))
    assert info.retry_delay.seconds * 1000 == int(milliseconds)


@pytest.mark.grpcio_engine("grpc-retry-pushback-ms is sent")
async def test_a_plain_stub_with_the_shipped_service_config_waits_as_told_and_succeeds(
    upstream: FaultServer, server: App
):
    upstream.on("PATCH", Answer(429, headers={"Retry-After": "1"}), Answer(204, headers={"ETag": 'W/"2"'}))
    config = (files("twinfront.v1") / "twinfront_service_config.json").read_text()
    options = [("grpc.service_config", config)]
    async with grpc.aio.insecure_channel(str(server.address), options) as channel:
        start = time.monotonic()
        response = await UPDATE_TWIN.call(channel)
    assert response.etag == 'W/"2"'
    assert upstream.sent("PATCH") == 2
    assert time.monotonic() - start >= 0.9, "the policy's own backoff is a fifth of that"


async def test_a_plain_stub_with_the_shipped_service_config_does_not_repeat_a_write_of_unknown_outcome(
    upstream: FaultServer, server: App
):
    upstream.on("PATCH", Answer(503))
    config = (files("twinfront.v1") / "twinfront_service_config.json").read_text()
    options = [("grpc.service_config", config)]
    async with grpc.aio.insecure_channel(str(server.address), options) as channel:
        error = await refused(UPDATE_TWIN.call(channel))
    assert error.reason == "OUTCOME_UNKNOWN"
    assert upstream.sent("PATCH") == 1


@pytest.mark.grpcio_engine("grpc-retry-pushback-ms is sent")
async def test_a_limit_is_not_tried_again(upstream: FaultServer, server: App):
    limit = {"error": {"code": "LimitExceeded", "message": "There is no room for more."}}
    upstream.on("PATCH", Answer(400, limit))
    config = (files("twinfront.v1") / "twinfront_service_config.json").read_text()
    options = [("grpc.service_config", config)]
    async with grpc.aio.insecure_channel(str(server.address), options) as channel:
        error = await refused(UPDATE_TWIN.call(channel))
    assert (error.reason, trailers(error)["grpc-retry-pushback-ms"]) == ("LIMIT_REACHED", "-1")
    assert upstream.sent("PATCH") == 1


async def test_a_throttled_read_that_stays_throttled_says_so(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("/digitaltwins/room", Answer(429, headers={"Retry-After": "0"}))
    error = await refused(GET_TWIN.call(channel))
    assert error.reason == "UPSTREAM_THROTTLED"
    assert upstream.sent("GET") == 3


class TestShapedWrites:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.changed(shape_writes="on")

    async def test_after_a_429_of_a_twin_its_writes_are_not_sent_for_as_long_as_it_said(
        self, upstream: FaultServer, channel: grpc.aio.Channel
    ):
        upstream.on("PATCH", Answer(429, TWIN_THROTTLE, {"Retry-After": "8"}))
        await refused(UPDATE_TWIN.call(channel))
        for _ in range(3):
            error = await refused(UPDATE_TWIN.call(channel, timeout=5))
            assert error.reason == "UPSTREAM_THROTTLED"
            if engine.is_grpcio():
                assert 7000 < int(trailers(error)["grpc-retry-pushback-ms"]) <= 8000
        assert upstream.sent("PATCH") == 1

    async def test_after_a_429_of_the_instance_no_patches_are_sent_and_other_writes_are(
        self, upstream: FaultServer, channel: grpc.aio.Channel
    ):
        upstream.on("PATCH", Answer(429, INSTANCE_THROTTLE, {"Retry-After": "8"}))
        upstream.on("DELETE", Answer(204))
        await refused(UPDATE_TWIN.call(channel))
        error = await refused(UPDATE_TWIN.call(channel, timeout=5))
        assert "--patch-rate" in error.message
        assert upstream.sent("PATCH") == 1
        await DELETE_TWIN.call(channel)
        assert upstream.sent("DELETE") == 1
