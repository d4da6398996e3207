"""Imports whose callers are slow, go away or run out of time, and servers that stop in the midst of one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from functools import partial
from typing import Any

import grpc
import grpc.aio
import pytest

from twinfront.errors import from_rpc_error
from twinfront.v1.digital_twin_service_pb2 import GetDigitalTwinRequest
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront.v1.graph_service_pb2 import ImportGraphRequest, ImportGraphResponse
from twinfront.v1.graph_service_pb2_grpc import GraphServiceStub
from twinfront_server.app import App
from twinfront_server.graph.importing import import_graph
from twinfront_server.settings import Settings
from twinfront_server.writes.replacement import put_digital_twin

from .graphs import Imported, collect, items, many, models, room, run_import
from .refusal import refused

GONE_SECONDS = 1.0


def at_work() -> list[str]:
    """What is running on behalf of imports."""
    names = (getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks())
    return [name for name in names if name.startswith(("_Import.", "Ordering."))]


async def becomes_true(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def unfinished() -> AsyncIterator[ImportGraphRequest]:
    """Some rooms, and then silence.

    While a client in Python is sending it is never told why its stream ended.
    """
    async for request in many(1000):
        yield request
    await asyncio.Event().wait()


async def endless() -> AsyncIterator[ImportGraphRequest]:
    """Rooms, one after the other."""
    yield items(*models())
    number = 0
    while True:
        yield items(*(room(f"room-{number % 50}") for number in range(number, number + 10)))
        number += 10


async def test_a_caller_that_does_not_read_is_not_read_from(server: App):
    sent = 0
    blocked = asyncio.Event()

    async def requests() -> AsyncIterator[ImportGraphRequest]:
        nonlocal sent
        async for request in many(100_000):
            sent += len(request.items)
            yield request

    async def read_one() -> None:
        async with aclosing(
            import_graph(server.upstream, partial(put_digital_twin, server.upstream), 4, requests())
        ) as responses:
            async for _ in responses:
                blocked.set()
                await asyncio.Event().wait()

    importing = asyncio.create_task(read_one())
    await blocked.wait()
    before = -1
    while sent != before:
        before = sent
        await asyncio.sleep(0.3)
    assert 0 < sent < 2000
    assert not importing.done()
    importing.cancel()
    await asyncio.wait({importing}, timeout=GONE_SECONDS)
    assert (importing.cancelled(), at_work()) == (True, [])


@pytest.mark.usefixtures("building")
async def test_others_are_served_while_a_caller_does_not_read(channel: grpc.aio.Channel):
    call = GraphServiceStub(channel).ImportGraph(endless())
    responses = aiter(call)
    await anext(responses)
    assert (await run_import(channel, items(room("other")))).counts == (0, 1, 0, 0)
    call.cancel()
    await becomes_true(lambda: not at_work(), GONE_SECONDS)


async def test_a_caller_that_cancels_leaves_nothing_behind(channel: grpc.aio.Channel, server: App):
    call = GraphServiceStub(channel).ImportGraph(endless())
    await anext(aiter(call))
    call.cancel()
    await becomes_true(lambda: not at_work() and server._chain.in_flight.is_idle, GONE_SECONDS)


async def test_a_caller_that_cancels_before_it_sent_anything_leaves_nothing_behind(
    channel: grpc.aio.Channel, server: App
):
    async def silence() -> AsyncIterator[ImportGraphRequest]:
        await asyncio.Event().wait()
        yield ImportGraphRequest()

    call = GraphServiceStub(channel).ImportGraph(silence())
    await becomes_true(lambda: "Ordering.work" in at_work())
    call.cancel()
    await becomes_true(lambda: not at_work() and server._chain.in_flight.is_idle, GONE_SECONDS)


async def test_a_caller_whose_connection_is_gone_leaves_nothing_behind(server: App):
    async with grpc.aio.insecure_channel(str(server.address)) as channel:
        call = GraphServiceStub(channel).ImportGraph(endless())
        await anext(aiter(call))
    await becomes_true(lambda: not at_work() and server._chain.in_flight.is_idle, GONE_SECONDS)


async def test_a_deadline_ends_the_stream_and_what_it_runs(channel: grpc.aio.Channel, server: App):
    imported = Imported()
    call = GraphServiceStub(channel).ImportGraph(unfinished(), timeout=2.0)
    with pytest.raises(grpc.aio.AioRpcError) as ended:  # by the server, or by the client, which has the same deadline
        await collect(call, imported.messages)
    assert ended.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert imported.progress.acknowledged_count > 0
    await becomes_true(lambda: not at_work() and server._chain.in_flight.is_idle, GONE_SECONDS)


@pytest.mark.usefixtures("building")
async def test_bytes_that_are_no_message_end_the_stream_after_what_came_before(channel: grpc.aio.Channel):
    imported = Imported()
    stub: Any = channel.stream_stream(
        "/twinfront.v1.GraphService/ImportGraph", response_deserializer=ImportGraphResponse.FromString
    )
    call = stub(iter([items(room("room")).SerializeToString(), b"\xff\xff"]))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await collect(call, imported.messages)
    assert from_rpc_error(caught.value).reason == "INVALID_ARGUMENT"
    assert imported.progress.acknowledged_count == 1


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.changed(drain_grace=8.0)


async def test_a_server_that_stops_ends_the_stream_with_all_that_was_acknowledged(
    channel: grpc.aio.Channel, server: App
):
    imported = Imported()
    call = aiter(GraphServiceStub(channel).ImportGraph(unfinished()))
    imported.messages.append(await anext(call))
    draining = asyncio.create_task(server.drain())
    error = await refused(collect(call, imported.messages))
    assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING")
    assert sorted(imported.results) == list(range(1004))
    assert imported.progress.acknowledged_count == 1004
    await draining


async def test_a_stream_that_ends_within_the_grace_is_not_disturbed(channel: grpc.aio.Channel, server: App):
    ending = asyncio.Event()

    async def requests() -> AsyncIterator[ImportGraphRequest]:
        yield items(*models())
        await ending.wait()
        yield items(room("room"))

    call = aiter(GraphServiceStub(channel).ImportGraph(requests()))
    await anext(call)
    draining = asyncio.create_task(server.drain())
    await becomes_true(lambda: server._chain.draining._draining)
    ending.set()
    assert [message async for message in call][-1].progress.digital_twins_imported == 1
    await draining


@pytest.mark.usefixtures("building")
async def test_what_was_acknowledged_is_there(channel: grpc.aio.Channel):
    call = GraphServiceStub(channel).ImportGraph(many(20_000))
    async for message in call:
        if message.progress.acknowledged_count > 1000:
            break
    call.cancel()
    last = message.progress.acknowledged_count - 1 - 4
    stub = DigitalTwinServiceStub(channel)
    response = await stub.GetDigitalTwin(GetDigitalTwinRequest(digital_twin_id=f"room-{last}"))
    assert response.etag
