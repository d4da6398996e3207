"""Health follows the upstream."""

import asyncio
import json
from collections.abc import Callable

import grpc
import grpc.aio
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from twinfront._service_config import channel_service_config
from twinfront_server.app import App
from twinfront_server.health import SERVER, SERVICE_NAME

from .process import ServedProcess, run, wait_until
from .upstream import UpstreamProcess, start

SERVICES = [
    "",
    "twinfront.v1.DigitalTwinService",
    "twinfront.v1.RelationshipService",
    "twinfront.v1.ModelService",
]


@pytest.mark.parametrize("service", SERVICES)
async def test_a_server_that_has_started_is_serving(channel: grpc.aio.Channel, service: str) -> None:
    answer = await HealthStub(channel).Check(HealthCheckRequest(service=service))
    assert answer.status == HealthCheckResponse.SERVING


async def test_an_unknown_service_is_not_found(channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as unknown:
        await HealthStub(channel).Check(HealthCheckRequest(service="no.such.Service"))
    assert unknown.value.code() is grpc.StatusCode.NOT_FOUND


async def test_of_a_long_name_of_an_unknown_service_no_more_is_told_than_callers_take(
    channel: grpc.aio.Channel,
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as unknown:
        await HealthStub(channel).Check(HealthCheckRequest(service="x" * 60_000))
    assert unknown.value.code() is grpc.StatusCode.NOT_FOUND
    assert (unknown.value.details() or "").startswith("There is no service 'xxx")


async def test_an_unknown_service_can_be_watched(channel: grpc.aio.Channel) -> None:
    watch = HealthStub(channel).Watch(HealthCheckRequest(service="no.such.Service"))
    assert (await watch.read()).status == HealthCheckResponse.SERVICE_UNKNOWN
    watch.cancel()


async def test_all_watchers_hear_of_a_change_even_when_one_of_them_has_left(
    server: App, channel: grpc.aio.Channel
) -> None:
    leaving, staying = (HealthStub(channel).Watch(HealthCheckRequest()) for _ in range(2))
    for watch in (leaving, staying):
        assert (await watch.read()).status == HealthCheckResponse.SERVING
    leaving.cancel()
    await asyncio.sleep(0.1)
    server._health.report(healthy=False)
    assert (await staying.read()).status == HealthCheckResponse.NOT_SERVING
    staying.cancel()


async def test_health_checks_are_counted_but_not_in_flight(server: App, channel: grpc.aio.Channel) -> None:
    watch = HealthStub(channel).Watch(HealthCheckRequest())
    await watch.read()
    labels = {"grpc_type": "server_stream", "grpc_service": SERVICE_NAME, "grpc_method": "Watch"}
    value = server.metrics.registry.get_sample_value
    assert value("grpc_server_started_total", labels) == 1
    assert value("twinfront_in_flight_requests") == 0
    watch.cancel()


async def test_the_server_itself_is_serving_whatever_the_upstream_does(server: App, channel: grpc.aio.Channel) -> None:
    watch = HealthStub(channel).Watch(HealthCheckRequest(service=SERVER))
    assert (await watch.read()).status == HealthCheckResponse.SERVING
    server._health.report(healthy=False)
    assert (await HealthStub(channel).Check(HealthCheckRequest(service=SERVER))).status == HealthCheckResponse.SERVING
    server._health.close()
    assert (await watch.read()).status == HealthCheckResponse.NOT_SERVING
    watch.cancel()


async def test_the_service_that_clients_watch_is_the_server_itself(channel: grpc.aio.Channel) -> None:
    watched = json.loads(channel_service_config())["healthCheckConfig"]["serviceName"]
    answer = await HealthStub(channel).Check(HealthCheckRequest(service=watched))
    assert (watched, answer.status) == (SERVER, HealthCheckResponse.SERVING)


def test_health_follows_the_upstream_down_and_up(
    serve: Callable[..., ServedProcess], upstream: UpstreamProcess
) -> None:
    served = serve(*upstream.words, "--health-interval=100ms")
    with grpc.insecure_channel(served.address) as channel:
        watch = HealthStub(channel).Watch(HealthCheckRequest(service="twinfront.v1.DigitalTwinService"), timeout=60)
        assert next(watch).status == HealthCheckResponse.SERVING
        upstream.end()
        assert next(watch).status == HealthCheckResponse.NOT_SERVING
        again = start(served.stdout.parent, int(upstream.url.rpartition(":")[2]))
        try:
            assert next(watch).status == HealthCheckResponse.SERVING
        finally:
            again.end()
        watch.cancel()
    assert "the upstream does not answer" in served.log()


def test_a_server_starts_without_its_upstream_and_says_so(
    serve: Callable[..., ServedProcess], upstream: UpstreamProcess
) -> None:
    upstream.end()
    served = serve(*upstream.words)
    wait_until(lambda: "the upstream does not answer" in served.log())
    asked = run("healthcheck", "--address", served.address)
    assert (asked.returncode, asked.stderr) == (1, "NOT_SERVING\n")
