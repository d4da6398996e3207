"""Interceptors of the caller's, beside what the client itself does."""

from typing import Any

import grpc
import pytest

import twinfront
from twinfront import AsyncTwinfrontClient, TwinfrontClient
from twinfront.v1.digital_twin_service_pb2 import DeleteDigitalTwinResponse
from twinfront_server.app import App

from .scripted_server import ScriptedServer, failing

MODEL = {"@context": "dtmi:dtdl:context;3", "@id": "dtmi:test:Room;1", "@type": "Interface"}


class Noting(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Notes the methods that are called, and the metadata that is sent."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.metadata: list[dict[str, str | bytes]] = []

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        self.note(client_call_details, client_call_details.method)
        return continuation(client_call_details, request)

    intercept_unary_stream = intercept_unary_unary

    def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return self.intercept_unary_unary(continuation, client_call_details, request_iterator)

    def note(self, details: Any, method: str) -> None:
        self.seen.append(method.rpartition("/")[2])
        self.metadata.append(dict(details.metadata or ()))


class UnaryNoting(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, noting: Noting) -> None:
        self.noting = noting

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        self.noting.note(client_call_details, client_call_details.method.decode())
        return await continuation(client_call_details, request)


class StreamNoting(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self, noting: Noting) -> None:
        self.noting = noting

    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        self.noting.note(client_call_details, client_call_details.method.decode())
        return await continuation(client_call_details, request)


class ImportNoting(grpc.aio.StreamStreamClientInterceptor):
    def __init__(self, noting: Noting) -> None:
        self.noting = noting

    async def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        self.noting.note(client_call_details, client_call_details.method.decode())
        return await continuation(client_call_details, request_iterator)


CALLED = ["ImportGraph", "StreamQueryTwins", "GetDigitalTwin"]


async def test_an_interceptor_sees_every_kind_of_call(server: App) -> None:
    noting = Noting()
    interceptors = [UnaryNoting(noting), StreamNoting(noting), ImportNoting(noting)]
    async with AsyncTwinfrontClient(str(server.address), interceptors=interceptors) as client:
        report = await client.import_graph([MODEL, {"$dtId": "x", "$metadata": {"$model": "dtmi:test:Room;1"}}]).run()
        assert report.progress.digital_twins_imported == 1
        assert [row["$dtId"] async for row in client.stream_query("SELECT * FROM digitaltwins")] == ["x"]
        with pytest.raises(twinfront.TwinNotFoundError):
            await client.get_digital_twin("y")
    assert noting.seen == CALLED


def test_an_interceptor_sees_every_kind_of_blocking_call(serve: Any) -> None:
    noting = Noting()
    with TwinfrontClient(serve().address, interceptors=[noting]) as client:
        report = client.import_graph([MODEL, {"$dtId": "x", "$metadata": {"$model": "dtmi:test:Room;1"}}]).run()
        assert report.progress.digital_twins_imported == 1
        assert [row["$dtId"] for row in client.stream_query("SELECT * FROM digitaltwins")] == ["x"]
        with pytest.raises(twinfront.TwinNotFoundError):
            client.get_digital_twin("y")
    assert noting.seen == CALLED


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_an_interceptor_sees_each_attempt_and_its_token(scripted: ScriptedServer, kind: str) -> None:
    noting = Noting()
    draining = failing(grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING")
    scripted.answers["DeleteDigitalTwin"] = lambda *call: (
        draining(*call) if len(scripted.requests) < 3 else DeleteDigitalTwinResponse()
    )
    if kind == "sync":
        with TwinfrontClient(scripted.target, token="t", insecure=True, interceptors=[noting]) as client:
            client.delete_digital_twin("room-1")
    else:
        one = [UnaryNoting(noting)]
        async with AsyncTwinfrontClient(scripted.target, token="t", insecure=True, interceptors=one) as asynchronous:
            await asynchronous.delete_digital_twin("room-1")
    assert noting.seen == ["DeleteDigitalTwin"] * 3
    assert {metadata["authorization"] for metadata in noting.metadata} == {"Bearer t"}
