"""Connections: how large messages may be, how often clients may ping, how long a connection lives."""

import asyncio
import collections
import contextlib
from importlib.resources import files

import grpc
import grpc.aio
import pytest
import structlog
from structlog.testing import LogCapture

from twinfront.v1.model_service_pb2 import CreateModelsRequest, ListModelsRequest
from twinfront.v1.model_service_pb2_grpc import ModelServiceStub
from twinfront_server.app import App
from twinfront_server.server import OPTIONS
from twinfront_server.settings import Settings

SERVICE_CONFIG = (files("twinfront.v1") / "twinfront_service_config.json").read_text()


async def test_a_request_above_the_limit_is_refused(channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await ModelServiceStub(channel).CreateModels(CreateModelsRequest(dtdl_models=["x" * (4 << 20)]))
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    await ModelServiceStub(channel).ListModels(ListModelsRequest())


def with_token(size: int) -> tuple[tuple[str, str], ...]:
    return (("authorization", "Bearer " + "x" * size),)


@pytest.mark.parametrize("size", [8_000, 9_000, 12_000, 17_000, 31_000])
async def test_a_large_token_always_passes(channel: grpc.aio.Channel, size: int) -> None:
    stub = ModelServiceStub(channel)
    calls = [stub.ListModels(ListModelsRequest(), metadata=with_token(size)) for _ in range(60)]
    assert {await call.code() for call in calls} == {grpc.StatusCode.OK}


@pytest.mark.grpcio_engine("too large metadata ends in RESOURCE_EXHAUSTED; there in HTTP 431, so UNKNOWN")
async def test_metadata_above_the_limit_never_passes(channel: grpc.aio.Channel) -> None:
    stub = ModelServiceStub(channel)
    calls = [stub.ListModels(ListModelsRequest(), metadata=with_token(33_000)) for _ in range(60)]
    assert {await call.code() for call in calls} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    await stub.ListModels(ListModelsRequest())


async def test_the_limit_of_metadata_is_a_setting() -> None:
    settings = Settings(listen="127.0.0.1:0", metrics_listen="none", data_dir=":memory:", max_metadata_size=60_000)
    async with App(settings) as app, grpc.aio.insecure_channel(str(app.address)) as channel:
        await ModelServiceStub(channel).ListModels(ListModelsRequest(), metadata=with_token(50_000))


@pytest.mark.grpcio_engine("a connection is asked for its age to be made anew")
async def test_an_aged_connection_is_made_anew_without_a_failed_call() -> None:
    settings = Settings(listen="127.0.0.1:0", metrics_listen="none", data_dir=":memory:", max_connection_age=0.1)
    lines = LogCapture()
    log = structlog.wrap_logger(None, [lines], wrapper_class=structlog.make_filtering_bound_logger(0)).bind()
    peers: set[str] = set()
    async with App(settings, log) as app, grpc.aio.insecure_channel(str(app.address)) as channel, asyncio.timeout(30):
        while len(peers) < 3:
            await ModelServiceStub(channel).ListModels(ListModelsRequest())
            peers = {line["peer"] for line in lines.entries if line["event"] == "rpc"}
            await asyncio.sleep(0.02)


async def test_calls_of_a_burst_are_all_answered(server: App) -> None:
    """One that is cut off before the event loop gets to it would look cancelled to a caller who did not cancel."""
    async with contextlib.AsyncExitStack() as opened:
        stubs = [
            ModelServiceStub(
                await opened.enter_async_context(
                    grpc.aio.insecure_channel(str(server.address), [("grpc.use_local_subchannel_pool", 1)])
                )
            )
            for _ in range(5)
        ]
        calls = [stub.ListModels(ListModelsRequest()) for stub in stubs for _ in range(1000)]
        codes = collections.Counter([await call.code() for call in calls])
    assert codes == {grpc.StatusCode.OK: 5000}


@pytest.mark.parametrize("options", [[("grpc.enable_retries", 0)], [], [("grpc.service_config", SERVICE_CONFIG)]])
async def test_calls_beyond_the_streams_of_a_connection_wait(server: App, options: list[tuple[str, object]]) -> None:
    options = [*options, ("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(str(server.address), options) as channel:
        stub = ModelServiceStub(channel)
        await stub.ListModels(ListModelsRequest())  # the client knows the limit from here on
        calls = [stub.ListModels(ListModelsRequest()) for _ in range(2500)]
        codes = collections.Counter([await call.code() for call in calls])
    assert codes == {grpc.StatusCode.OK: 2500}


def test_clients_may_ping_every_30_seconds() -> None:
    options = dict(OPTIONS)
    assert options["grpc.http2.min_ping_interval_without_data_ms"] < 30_000
    assert options["grpc.keepalive_permit_without_calls"] == 1
