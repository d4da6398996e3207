"""The page that Prometheus reads, on a port of its own."""

import asyncio
import logging
import socket
import urllib.error
import urllib.request
from collections.abc import Callable

import aiohttp
import grpc.aio
import pytest
from prometheus_client.parser import text_string_to_metric_families

from twinfront.v1.digital_twin_service_pb2 import GetDigitalTwinRequest
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront_server.app import App
from twinfront_server.metric_table import METRICS
from twinfront_server.settings import Settings

from .process import ServedProcess


async def page(server: App) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"http://{server.metrics_address}/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        return await answer.text()


async def test_the_page_has_every_metric_of_the_table(server: App) -> None:
    kinds = {family.name: family.type for family in text_string_to_metric_families(await page(server))}
    for spec in METRICS:
        assert kinds[spec.name.removesuffix("_total")] == spec.type


async def test_every_method_is_there_at_0_before_its_first_call(server: App) -> None:
    text = await page(server)
    for labels in (
        'grpc_method="DeleteDigitalTwin",grpc_service="twinfront.v1.DigitalTwinService",grpc_type="unary"',
        'grpc_method="Watch",grpc_service="grpc.health.v1.Health",grpc_type="server_stream"',
        'grpc_method="ServerReflectionInfo",grpc_service="grpc.reflection.v1.ServerReflection",grpc_type="bidi_stream"',
        'grpc_method="ServerReflectionInfo",grpc_service="grpc.reflection.v1alpha.ServerReflection",grpc_type="bidi_stream"',
    ):
        assert f"grpc_server_started_total{{{labels}}} 0.0" in text
        assert f'grpc_server_handled_total{{grpc_code="NotFound",{labels}}} 0.0' in text
        assert f"grpc_server_handling_seconds_count{{{labels}}} 0.0" in text


async def test_a_call_shows_up_on_the_page(server: App, channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError):
        await DigitalTwinServiceStub(channel).GetDigitalTwin(GetDigitalTwinRequest(digital_twin_id="nobody"))
    text = await page(server)
    labels = 'grpc_method="GetDigitalTwin",grpc_service="twinfront.v1.DigitalTwinService",grpc_type="unary"'
    assert f'grpc_server_handled_total{{grpc_code="NotFound",{labels}}} 1.0' in text
    assert 'twinfront_errors_total{reason="TWIN_NOT_FOUND"} 1.0' in text
    assert "nobody" not in text


async def test_nothing_else_is_served(server: App) -> None:
    async with aiohttp.ClientSession() as session:
        for path in ("/", "/metrics/more", "/favicon.ico"):
            async with session.get(f"http://{server.metrics_address}{path}") as answer:
                assert answer.status == 404


@pytest.mark.parametrize(
    "garbage", [b"GARBAGE\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n", b"\xff\x00\r\n" * 99]
)
async def test_what_is_no_http_is_refused_without_a_word_in_the_log(
    server: App, caplog: pytest.LogCaptureFixture, garbage: bytes
) -> None:
    assert server.metrics_address is not None
    reader, writer = await asyncio.open_connection(server.metrics_address.host, server.metrics_address.port)
    writer.write(garbage)
    assert (await reader.readline()).split()[1] == b"400"
    writer.close()
    await writer.wait_closed()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_page_that_cannot_be_written_is_in_the_log(server: App, caplog: pytest.LogCaptureFixture) -> None:
    server.metrics.in_flight.set_function(lambda: 1 / 0)
    async with aiohttp.ClientSession() as session, session.get(f"http://{server.metrics_address}/metrics") as answer:
        assert answer.status == 500
    assert "ZeroDivisionError" in caplog.text


async def test_readers_who_come_first_and_together_all_get_the_page(server: App) -> None:
    pages = await asyncio.gather(*(page(server) for _ in range(20)))
    assert all("twinfront_build_info{" in text for text in pages)


async def test_a_server_stops_while_the_first_one_asks(settings: Settings) -> None:
    # A socket of its own: a transport would still close when the loop of the test does.
    with socket.socket() as asking:
        async with App(settings) as app:
            assert app.metrics_address is not None
            asking.connect((app.metrics_address.host, app.metrics_address.port))
            asking.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(app.metrics_address.host, app.metrics_address.port)


async def test_a_name_of_this_machine_can_be_listened_on(settings: Settings) -> None:
    async with App(settings.changed(metrics_listen="localhost:0")) as app:
        assert "twinfront_build_info{" in await page(app)


async def test_the_port_can_be_left_out() -> None:
    async with App(Settings(listen="127.0.0.1:0", metrics_listen="none", data_dir=":memory:")) as app:
        assert app.metrics_address is None


def test_a_process_that_serves_has_the_page(serve: Callable[..., ServedProcess]) -> None:
    text = serve().metrics()
    assert "twinfront_build_info{" in text
    assert "process_resident_memory_bytes " in text


def test_the_port_is_gone_with_the_server(serve: Callable[..., ServedProcess]) -> None:
    served = serve()
    served.signal()
    served.exit_code()
    with pytest.raises(urllib.error.URLError):
        served.metrics()
