"""Streams whose callers have stopped reading."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast

import grpc
import grpc.aio
import pytest
from tests import engine
from tests.clock import Clock

from twinfront import DigitalTwin, TwinfrontClient, from_rpc_error
from twinfront.v1.graph_service_pb2 import ExportGraphRequest, GraphItem, ImportGraphRequest
from twinfront.v1.graph_service_pb2_grpc import GraphServiceStub
from twinfront.v1.query_service_pb2 import StreamQueryTwinsRequest, StreamQueryTwinsResponse
from twinfront.v1.query_service_pb2_grpc import QueryServiceStub
from twinfront_server.app import App
from twinfront_server.interceptors.unread import ANSWERING_BYTES, LONG_WAIT_SECONDS, UnreadStreams
from twinfront_server.settings import Settings

from ...hostile.measuring import resident_megabytes
from .echo import eventually
from .process import ServedProcess, wait_until

Serve = Callable[..., ServedProcess]
Streams = Callable[[Any], Iterator[Any]]

TWINS = 600
MODEL = {
    "@id": "dtmi:example:Note;1",
    "@type": "Interface",
    "@context": "dtmi:dtdl:context;3",
    "contents": [{"@type": "Property", "name": "text", "schema": "string"}],
}
QUERY = StreamQueryTwinsRequest(query="SELECT * FROM digitaltwins")
PATIENCE = 1.0
STREAMS = 50


SMALL_WINDOW = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65536)]
"""Keeps grpc from taking in megabytes ahead of its caller."""


def query(channel: Any) -> Iterator[Any]:
    return QueryServiceStub(channel).StreamQueryTwins(QUERY)


def export(channel: Any) -> Iterator[Any]:
    return GraphServiceStub(channel).ExportGraph(ExportGraphRequest())


def imports(channel: Any) -> Iterator[Any]:
    """An import whose answers say much, because everything fails."""
    unknown = GraphItem()
    unknown.digital_twin.id, unknown.digital_twin.model_id = "x" * 100, "dtmi:example:Nothing;1"
    return GraphServiceStub(channel).ImportGraph(ImportGraphRequest(items=[unknown] * 100) for _ in range(1000))


def rows(messages: Iterable[StreamQueryTwinsResponse]) -> int:
    return sum(len(message.rows) for message in messages)


@pytest.fixture
def served(serve: Serve) -> ServedProcess:
    return with_notes(serve(f"--max-unread-time={PATIENCE}s"))


def with_notes(served: ServedProcess) -> ServedProcess:
    write_notes(served.address)
    return served


def write_notes(address: str) -> None:
    with TwinfrontClient(address) as client:
        client.create_models([MODEL])
        note = DigitalTwin(model_id="dtmi:example:Note;1", properties={"text": "x" * 4000})
        for number in range(TWINS):
            client.create_or_replace_digital_twin(f"note-{number}", note)


@pytest.mark.parametrize("pause", [0.0, 3 * PATIENCE])
def test_callers_who_leave_without_reading_leave_no_traceback(served: ServedProcess, pause: float):
    with grpc.insecure_channel(served.address, SMALL_WINDOW) as channel:
        # The native engine may tell of the caller of an import only when its connection has come of age.
        kinds = (query, export, imports) if engine.is_grpcio() else (query, export)
        streams = [stream(channel) for stream in kinds for _ in range(5)]
        wait_until(lambda: f"twinfront_in_flight_requests {len(streams)}.0" in served.metrics())
        time.sleep(pause)
    wait_until(lambda: "twinfront_in_flight_requests 0.0" in served.metrics())
    assert "Traceback" not in served.log()


Notes = tuple[App, UnreadStreams]


@asynccontextmanager
async def notes_in_process(settings: Settings, **more: Any) -> AsyncIterator[Notes]:
    """The same in this process, with what watches the streams of its callers."""
    async with App(settings.changed(**more)) as app:
        await asyncio.to_thread(write_notes, str(app.address))
        watching: Any = app._chain.links["unread"]
        yield app, watching.__self__


@pytest.fixture
async def notes(settings: Settings) -> AsyncIterator[Notes]:
    async with notes_in_process(settings, max_unread_time=PATIENCE) as notes:
        yield notes


def connected(app: App) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(str(app.address), SMALL_WINDOW)


async def all_ended(unread: UnreadStreams) -> None:
    """Waits until the server works on no stream any more, whatever their callers have got of them."""
    await eventually(lambda: not any(each.held_bytes for each in unread._streams))


@pytest.mark.parametrize("stream", [query, export, imports])
async def test_the_work_on_streams_that_are_not_read_ends_after_a_while(notes: Notes, stream: Streams):
    app, unread = notes
    async with connected(app) as channel:
        messages: Any = stream(channel)
        await anext(aiter(messages))
        await all_ended(unread)
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            [_ async for _ in messages]
    assert from_rpc_error(ended.value).reason == "STREAM_NOT_READ"


async def test_a_caller_that_reads_on_in_time_gets_everything(settings: Settings, clock: Clock):
    read, patience = [], 100.0
    async with notes_in_process(settings, max_unread_time=patience) as (app, _), connected(app) as channel:
        messages: Any = query(channel)
        start = asyncio.get_running_loop().time()
        async for message in messages:
            read.append(message)
            await clock.advance(patience / 10)
        assert asyncio.get_running_loop().time() - start > 1.5 * patience
    assert rows(read) == TWINS


async def test_a_caller_that_reads_on_too_late_can_go_on_behind_what_it_got(notes: Notes):
    app, unread = notes
    read: list[StreamQueryTwinsResponse] = []
    async with connected(app) as channel:
        messages: Any = query(channel)
        read.append(await anext(aiter(messages)))
        await all_ended(unread)
        with contextlib.suppress(grpc.aio.AioRpcError):
            async for message in messages:
                read.append(message)  # noqa: PERF401  (those before the error count)
        assert 0 < rows(read) < TWINS
        resumed: Any = StreamQueryTwinsRequest(query=QUERY.query, resume_token=read[-1].resume_token)
        read += [message async for message in cast("Any", QueryServiceStub(channel).StreamQueryTwins(resumed))]
    assert rows(read) == TWINS


async def test_the_python_client_goes_on_by_itself(notes: Notes):
    app, unread = notes

    def begin(client: TwinfrontClient) -> Iterator[Any]:
        streamed = client.stream_query(QUERY.query)
        next(streamed)
        return streamed

    with TwinfrontClient(str(app.address), options=dict(SMALL_WINDOW)) as client:
        streamed = await asyncio.to_thread(begin, client)
        await all_ended(unread)
        assert 1 + len(await asyncio.to_thread(list, streamed)) == TWINS
    refused = app.metrics.registry.get_sample_value("twinfront_errors_total", {"reason": "STREAM_NOT_READ"})
    assert refused == 1


def unread(channel: grpc.Channel) -> Iterator[Any]:
    """A query of which one message is read and no more."""
    messages = query(channel)
    next(messages)
    return messages


async def test_the_stream_that_was_not_read_for_longest_makes_room_for_another(settings: Settings, clock: Clock):
    two = 2 * ANSWERING_BYTES
    async with notes_in_process(settings, max_stream_bytes=two) as (app, unread), connected(app) as channel:
        streams: list[Any] = []
        for number in (1, 2):
            streams.append(query(channel))
            await anext(aiter(streams[-1]))
            await eventually(lambda number=number: sum(each.waited() > 0 for each in unread._streams) == number)
            await clock.advance(LONG_WAIT_SECONDS)
        assert rows([message async for message in cast("Any", query(channel))]) == TWINS
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            [_ async for _ in streams[0]]
        assert from_rpc_error(ended.value).reason == "STREAM_NOT_READ"
        assert 0 < rows([message async for message in streams[1]]) < TWINS


def test_a_stream_is_refused_for_a_moment_if_no_other_can_make_room(serve: Serve):
    served = with_notes(serve("--max-stream-bytes=8388608"))
    talking = threading.Event()
    with grpc.insecure_channel(served.address, [("grpc.enable_retries", 0)]) as channel:
        import_ = GraphServiceStub(channel).ImportGraph(_silent_after_one_item(talking))
        next(import_)
        with pytest.raises(grpc.RpcError) as refused:
            rows(query(channel))
        error = from_rpc_error(refused.value)
        assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "LIMIT_REACHED")
        trailers: Any = refused.value.trailing_metadata()
        assert dict(trailers).get("grpc-retry-pushback-ms") == engine.pushback("1000")
        talking.set()
        list(import_)
        assert rows(query(channel)) == TWINS
    assert 'twinfront_errors_total{reason="LIMIT_REACHED"} 1.0' in served.metrics()


def _silent_after_one_item(talking: threading.Event) -> Iterator[ImportGraphRequest]:
    yield ImportGraphRequest(items=[GraphItem()])
    talking.wait(30)


def test_many_streams_that_are_not_read_take_little_memory(serve: Serve):
    served = with_notes(serve())
    options = [("grpc.use_local_subchannel_pool", 1)]
    before = resident_megabytes(served.process.pid)
    with contextlib.ExitStack() as channels:
        opened = [
            unread(channels.enter_context(grpc.insecure_channel(served.address, options))) for _ in range(STREAMS)
        ]
        time.sleep(1.0)
        assert resident_megabytes(served.process.pid) - before < 2 * STREAMS
        assert len(opened) == STREAMS
