"""Streams whose callers have stopped reading."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import grpc
import pytest

from twinfront import DigitalTwin, TwinfrontClient, from_rpc_error
from twinfront.v1.graph_service_pb2 import ExportGraphRequest, GraphItem, ImportGraphRequest
from twinfront.v1.graph_service_pb2_grpc import GraphServiceStub
from twinfront.v1.query_service_pb2 import StreamQueryTwinsRequest, StreamQueryTwinsResponse
from twinfront.v1.query_service_pb2_grpc import QueryServiceStub

from ...hostile.measuring import resident_megabytes
from .process import ServedProcess, wait_until

Serve = Callable[..., ServedProcess]
Streams = Callable[[grpc.Channel], Iterator[Any]]

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


def query(channel: grpc.Channel) -> Iterator[Any]:
    return QueryServiceStub(channel).StreamQueryTwins(QUERY)


def export(channel: grpc.Channel) -> Iterator[Any]:
    return GraphServiceStub(channel).ExportGraph(ExportGraphRequest())


def imports(channel: grpc.Channel) -> Iterator[Any]:
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
    with TwinfrontClient(served.address) as client:
        client.create_models([MODEL])
        note = DigitalTwin(model_id="dtmi:example:Note;1", properties={"text": "x" * 4000})
        for number in range(TWINS):
            client.create_or_replace_digital_twin(f"note-{number}", note)
    return served


@pytest.mark.parametrize("pause", [0.0, 3 * PATIENCE])
def test_callers_who_leave_without_reading_leave_no_traceback(served: ServedProcess, pause: float):
    with grpc.insecure_channel(served.address, SMALL_WINDOW) as channel:
        streams = [stream(channel) for stream in (query, export, imports) for _ in range(5)]
        wait_until(lambda: f"twinfront_in_flight_requests {len(streams)}.0" in served.metrics())
        time.sleep(pause)
    wait_until(lambda: "twinfront_in_flight_requests 0.0" in served.metrics())
    assert "Traceback" not in served.log()


@pytest.mark.parametrize("stream", [query, export, imports])
def test_the_work_on_streams_that_are_not_read_ends_after_a_while(served: ServedProcess, stream: Streams):
    with grpc.insecure_channel(served.address, SMALL_WINDOW) as channel:
        messages = stream(channel)
        next(messages)
        time.sleep(3 * PATIENCE)
        with pytest.raises(grpc.RpcError) as ended:
            list(messages)
    assert from_rpc_error(ended.value).reason == "STREAM_NOT_READ"


def test_a_caller_that_reads_on_in_time_gets_everything(served: ServedProcess):
    read = []
    with grpc.insecure_channel(served.address, SMALL_WINDOW) as channel:
        for message in query(channel):
            read.append(message)
            time.sleep(PATIENCE / 10)
    assert rows(read) == TWINS


def test_a_caller_that_reads_on_too_late_can_go_on_behind_what_it_got(served: ServedProcess):
    read: list[StreamQueryTwinsResponse] = []
    with grpc.insecure_channel(served.address, SMALL_WINDOW) as channel:
        messages = query(channel)
        read.append(next(messages))
        time.sleep(3 * PATIENCE)
        with pytest.raises(grpc.RpcError):
            read.extend(messages)
        assert 0 < rows(read) < TWINS
        resumed = StreamQueryTwinsRequest(query=QUERY.query, resume_token=read[-1].resume_token)
        read.extend(QueryServiceStub(channel).StreamQueryTwins(resumed))
    assert rows(read) == TWINS


def test_the_python_client_goes_on_by_itself(served: ServedProcess):
    with TwinfrontClient(served.address, options=dict(SMALL_WINDOW)) as client:
        streamed = client.stream_query(QUERY.query)
        next(streamed)
        time.sleep(3 * PATIENCE)
        assert 1 + len(list(streamed)) == TWINS
    assert "STREAM_NOT_READ" in served.log()


def unread(channel: grpc.Channel) -> Iterator[Any]:
    """A query of which one message is read and no more."""
    messages = query(channel)
    next(messages)
    return messages


def test_the_stream_that_was_not_read_for_longest_makes_room_for_another(serve: Serve):
    served = with_notes(serve("--max-stream-bytes=2097152"))
    with grpc.insecure_channel(served.address, SMALL_WINDOW) as channel:
        streams = [unread(channel), unread(channel)]
        time.sleep(2.0)
        assert rows(query(channel)) == TWINS
        with pytest.raises(grpc.RpcError) as ended:
            list(streams[0])
        assert from_rpc_error(ended.value).reason == "STREAM_NOT_READ"
        assert 0 < rows(streams[1]) < TWINS


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
        assert ("grpc-retry-pushback-ms", "1000") in trailers
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
