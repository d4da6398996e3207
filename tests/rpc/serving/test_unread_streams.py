"""Streams whose callers have stopped reading."""

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

from .process import ServedProcess

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
    served = serve(f"--max-unread-time={PATIENCE}s")
    with TwinfrontClient(served.address) as client:
        client.create_models([MODEL])
        note = DigitalTwin(model_id="dtmi:example:Note;1", properties={"text": "x" * 4000})
        for number in range(TWINS):
            client.create_or_replace_digital_twin(f"note-{number}", note)
    return served


@pytest.mark.parametrize("stream", [query, export, imports])
def test_the_work_on_them_ends_after_a_while(served: ServedProcess, stream: Streams):
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
