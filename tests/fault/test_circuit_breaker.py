"""An upstream that fails again and again is left alone until it answers a probe."""

import asyncio

import grpc.aio
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from twinfront.v1.digital_twin_service_pb2 import DeleteDigitalTwinRequest
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront_server.app import App
from twinfront_server.settings import Settings

from .calls import GET_TWIN, WRITES, Rpc, refused, trailers
from .fault_server import NEVER, Answer, FaultServer

FAILURES = 5
GOOD = GET_TWIN.succeeds()
PROBED = Answer(404, {"error": {"code": "ModelNotFound", "message": "No."}})
DEAD = Answer(503)

failures = pytest.mark.parametrize(
    "failure", [DEAD, Answer(500, b"<html>"), Answer(breaks="before"), Answer(breaks="after")], ids=str
)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.changed(upstream_failures=FAILURES, read_retries=0)


async def fail(channel: grpc.aio.Channel, times: int) -> None:
    for _ in range(times):
        await refused(GET_TWIN.call(channel, timeout=10))


async def is_open(server: App) -> bool:
    return bool(server.metrics.registry.get_sample_value("twinfront_upstream_circuit_open"))


def die(upstream: FaultServer, failure: Answer = DEAD) -> None:
    """Has the upstream fail from here on, with the last of these answers forever."""
    upstream.on("/digitaltwins/room", *[failure] * (FAILURES + 1), GOOD)
    upstream.probe = DEAD


@failures
async def test_no_call_is_sent_to_an_upstream_that_failed_many_times_in_a_row(
    upstream: FaultServer, server: App, channel: grpc.aio.Channel, failure: Answer
):
    upstream.on("/digitaltwins/room", failure)
    upstream.probe = DEAD
    await fail(channel, FAILURES)
    assert await is_open(server)
    sent = len(upstream.requests)
    errors = await asyncio.gather(*(refused(GET_TWIN.call(channel, timeout=10)) for _ in range(200)))
    assert len(upstream.requests) == sent
    assert {error.reason for error in errors} == {"UPSTREAM_UNAVAILABLE"}
    assert {trailers(error)["twinfront-upstream-attempts"] for error in errors} == {"0"}
    assert server.metrics.registry.get_sample_value("twinfront_upstream_circuit_refusals_total") == 200


@pytest.mark.parametrize("write", WRITES, ids=str)
async def test_a_write_that_is_not_sent_was_certainly_not_done(
    upstream: FaultServer, server: App, channel: grpc.aio.Channel, write: Rpc
):
    upstream.on("/digitaltwins/room$|/digitaltwins/room\\?", DEAD)
    upstream.probe = DEAD
    await fail(channel, FAILURES)
    assert await is_open(server)
    sent = len(upstream.requests)
    error = await refused(write.call(channel, timeout=10))
    assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "UPSTREAM_UNAVAILABLE")
    assert [detail.retry_delay.seconds for detail in error.details if isinstance(detail, RetryInfo)] == [1]
    assert len(upstream.requests) == sent


class TestWithRetries:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.changed(read_retries=2)

    async def test_calls_that_were_on_their_way_when_it_died_are_not_sent_again(
        self, upstream: FaultServer, channel: grpc.aio.Channel
    ):
        upstream.on("/digitaltwins/room", Answer(503, delay=0.2))
        upstream.probe = DEAD
        await asyncio.gather(*(refused(GET_TWIN.call(channel, timeout=10)) for _ in range(100)))
        assert FAILURES < len(upstream.requests) < 100 + FAILURES

    async def test_one_call_that_fails_does_not_open_it(
        self, upstream: FaultServer, server: App, channel: grpc.aio.Channel
    ):
        upstream.on("/digitaltwins/room", DEAD)
        await fail(channel, 1)
        assert len(upstream.requests) == 3
        assert not await is_open(server)


async def test_health_says_so_while_it_is_open_and_when_it_is_over(
    upstream: FaultServer, server: App, channel: grpc.aio.Channel
):
    watch = HealthStub(channel).Watch(HealthCheckRequest())
    assert (await watch.read()).status == HealthCheckResponse.SERVING
    die(upstream)
    await fail(channel, FAILURES)
    assert (await watch.read()).status == HealthCheckResponse.NOT_SERVING
    assert await is_open(server)
    upstream.probe = PROBED
    back = asyncio.get_running_loop().time()
    assert (await watch.read()).status == HealthCheckResponse.SERVING
    assert asyncio.get_running_loop().time() - back < 5
    assert not await is_open(server)
    await fail(channel, 1)
    await GET_TWIN.call(channel, timeout=10)
    watch.cancel()


async def test_a_dead_upstream_is_probed_once_a_second_and_not_more(
    upstream: FaultServer, server: App, channel: grpc.aio.Channel
):
    die(upstream)
    await fail(channel, FAILURES)
    upstream.probes = 0
    await asyncio.sleep(3)
    assert 1 <= upstream.probes <= 4
    assert await is_open(server)


@pytest.mark.parametrize("status", [400, 401, 404, 412, 429])
async def test_an_upstream_that_refuses_is_not_dead(
    upstream: FaultServer, server: App, channel: grpc.aio.Channel, status: int
):
    upstream.on("/digitaltwins/room", Answer(status))
    await fail(channel, 3 * FAILURES)
    assert len(upstream.requests) == 3 * FAILURES
    assert not await is_open(server)


async def test_failures_between_answers_do_not_open_it(upstream: FaultServer, server: App, channel: grpc.aio.Channel):
    upstream.on("/digitaltwins/room", *([DEAD] * (FAILURES - 1) + [GOOD]) * 3)
    for _ in range(3):
        await fail(channel, FAILURES - 1)
        await GET_TWIN.call(channel, timeout=10)
    assert not await is_open(server)


async def test_callers_with_little_time_do_not_open_it_for_others(
    upstream: FaultServer, server: App, channel: grpc.aio.Channel
):
    upstream.on("GET /digitaltwins/room", NEVER)
    await asyncio.gather(*(refused(GET_TWIN.call(channel, timeout=0.2)) for _ in range(3 * FAILURES)))
    assert not await is_open(server)
    upstream.on("DELETE", Answer(204))
    await DigitalTwinServiceStub(channel).DeleteDigitalTwin(DeleteDigitalTwinRequest(digital_twin_id="room"))


async def test_dry_runs_do_not_probe_a_dead_upstream(upstream: FaultServer, server: App, channel: grpc.aio.Channel):
    die(upstream)
    await fail(channel, FAILURES)
    upstream.probes = 0
    dry_run = DeleteDigitalTwinRequest(digital_twin_id="room", validate_only=True)
    stub = DigitalTwinServiceStub(channel)
    errors = await asyncio.gather(*(refused(stub.DeleteDigitalTwin(dry_run, timeout=10)) for _ in range(50)))
    assert {error.reason for error in errors} == {"UPSTREAM_UNAVAILABLE"}
    assert upstream.probes <= 2
    assert await is_open(server)


async def test_the_circuit_stays_closed_where_it_is_switched_off(upstream: FaultServer, settings: Settings):
    upstream.on("/digitaltwins/room", DEAD)
    async with (
        App(settings.changed(upstream_failures=0)) as server,
        grpc.aio.insecure_channel(str(server.address)) as channel,
    ):
        await fail(channel, 50)
        assert len(upstream.requests) == 50
        assert not await is_open(server)
