"""Reads are sent again while there is time, and writes never are."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import grpc
import grpc.aio
import pytest
from google.rpc.error_details_pb2 import RetryInfo

from twinfront_server.settings import Settings

from .calls import GET_TWIN, READS, Rpc, refused, trailers
from .fault_server import Answer, FaultServer

GOOD = Answer(200, {"id": "dtmi:example:Room;1", "value": []}, {"ETag": 'W/"1"'})


@pytest.mark.parametrize("rpc", READS, ids=str)
@pytest.mark.parametrize(
    "failure",
    [
        Answer(503),
        Answer(500, b"<html>"),
        Answer(breaks="before"),
        Answer(breaks="after"),
        Answer(200, b"{", breaks="within"),
    ],
    ids=["503", "500", "broken before", "broken after", "broken within"],
)
async def test_a_read_that_failed_is_sent_again(
    upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc, failure: Answer
):
    upstream.on(rpc.path, failure, GOOD)
    await rpc.call(channel, timeout=10)


async def test_a_read_is_sent_three_times_at_most(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("/digitaltwins/room", Answer(503))
    error = await refused(GET_TWIN.call(channel))
    assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "UPSTREAM_UNAVAILABLE")
    assert upstream.sent("GET") == 3
    assert trailers(error)["twinfront-upstream-attempts"] == "3"


async def test_unavailability_tells_when_to_come_back(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("/digitaltwins/room", Answer(503))
    error = await refused(GET_TWIN.call(channel))
    assert [detail.retry_delay.seconds for detail in error.details if isinstance(detail, RetryInfo)] == [1]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 501])
async def test_what_time_does_not_mend_is_asked_once(upstream: FaultServer, channel: grpc.aio.Channel, status: int):
    upstream.on("/digitaltwins/room", Answer(status))
    await refused(GET_TWIN.call(channel))
    assert upstream.sent("GET") == 1


async def test_retry_after_is_waited_for(upstream: FaultServer, channel: grpc.aio.Channel):
    upstream.on("/digitaltwins/room", Answer(429, headers={"Retry-After": "1"}), GOOD)
    start = time.monotonic()
    await GET_TWIN.call(channel, timeout=10)
    assert upstream.sent("GET") == 2
    assert time.monotonic() - start >= 0.9, "a backoff of the front's own would be shorter"


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_a_wait_that_ends_after_the_deadline_is_not_begun(
    upstream: FaultServer, channel: grpc.aio.Channel, form: str
):
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    upstream.on("/digitaltwins/room", Answer(429, headers={"Retry-After": "60" if form == "seconds" else date}))
    error = await refused(GET_TWIN.call(channel, timeout=5))
    assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "UPSTREAM_THROTTLED")
    assert upstream.sent("GET") == 1


class TestWithoutRetries:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.changed(read_retries=0)

    async def test_a_read_is_sent_once(self, upstream: FaultServer, channel: grpc.aio.Channel):
        upstream.on("/digitaltwins/room", Answer(503))
        await refused(GET_TWIN.call(channel))
        assert upstream.sent("GET") == 1


class TestWithAShortUpstreamTimeout:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.changed(upstream_timeout=0.1)

    async def test_an_upstream_that_is_silent_for_too_long_is_unavailable(
        self, upstream: FaultServer, channel: grpc.aio.Channel
    ):
        upstream.on("/digitaltwins/room", Answer(delay=60.0))
        error = await refused(GET_TWIN.call(channel))
        assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "UPSTREAM_UNAVAILABLE")
        assert upstream.sent("GET") == 3
