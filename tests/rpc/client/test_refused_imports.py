"""A server that ends an import while its caller is still sending."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from twinfront import AsyncTwinfrontClient, TwinfrontError
from twinfront._graphs import ITEMS_A_MESSAGE
from twinfront.v1.graph_service_pb2 import ImportGraphRequest, ImportGraphResponse

from .awaited import Connect

CALLS = 40
ROOM = {"$dtId": "room", "$metadata": {"$model": "dtmi:test:Room;1"}, "name": "x" * 2_000}


class Passing(grpc.aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(self, continuation: Any, client_call_details: Any, request_iterator: Any) -> Any:
        return await continuation(client_call_details, request_iterator)


def drained() -> Any:
    packed = AnyMessage()
    packed.Pack(ErrorInfo(domain="twinfront", reason="SERVER_DRAINING"))
    return rpc_status.to_status(Status(code=14, message="This server is about to stop.", details=[packed]))


@pytest.fixture(params=["SERVER_DRAINING", "OK"])
async def ending(request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, str]]:
    """A server that ends imports after three messages, well or not: its address, and how it ends them."""

    async def import_graph(
        messages: AsyncIterator[Message], context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[Message]:
        for _ in range(3):
            await anext(messages)
            yield ImportGraphResponse()
        if request.param != "OK":
            await context.abort_with_status(drained())

    server = grpc.aio.server()
    handler = grpc.stream_stream_rpc_method_handler(
        import_graph, ImportGraphRequest.FromString, ImportGraphResponse.SerializeToString
    )
    generic = grpc.method_handlers_generic_handler("twinfront.v1.GraphService", {"ImportGraph": handler})
    server.add_generic_rpc_handlers((generic,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}", request.param
    await server.stop(None)


def rooms() -> Iterator[dict[str, Any]]:
    for _ in range(50 * ITEMS_A_MESSAGE):
        yield ROOM


async def outcomes(client: AsyncTwinfrontClient) -> set[str]:
    async def outcome() -> str:
        try:
            await client.import_graph(rooms()).run()
        except TwinfrontError as error:
            return error.reason or error.code.name
        return "OK"

    return set(await asyncio.gather(*(outcome() for _ in range(CALLS))))


async def test_the_callers_of_an_import_that_ends_early_hear_how(ending: tuple[str, str], connect: Connect) -> None:
    target, how = ending
    assert await outcomes(connect(target)) == {how}


async def test_an_interceptor_does_not_keep_it_from_them(ending: tuple[str, str]) -> None:
    target, how = ending
    async with AsyncTwinfrontClient(target, interceptors=[Passing()]) as client:
        assert await outcomes(client) == {how}
