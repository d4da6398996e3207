"""An upstream that answers byte by byte: a request of which each wait is short ends all the same."""

import grpc
import grpc.aio
import pytest

from twinfront.v1.graph_service_pb2 import GraphItem, ImportGraphRequest
from twinfront.v1.graph_service_pb2_grpc import GraphServiceStub
from twinfront_server.settings import Settings

from .calls import CREATE_TWIN, GET_TWIN, LIST_RELATIONSHIPS, QUERY, TWIN, Rpc, refused
from .fault_server import Answer, FaultServer
from .test_answers import UNTOLD

SLOW = Answer(200, {"value": ["x" * 100_000]}, pause=0.05)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.changed(upstream_timeout=0.2, read_retries=0)


@pytest.mark.parametrize("rpc", [GET_TWIN, LIST_RELATIONSHIPS, QUERY], ids=str)
async def test_a_read_that_is_answered_byte_by_byte_is_unavailability(
    upstream: FaultServer, channel: grpc.aio.Channel, rpc: Rpc
):
    upstream.on(rpc.path, SLOW)
    error = await refused(rpc.call(channel, timeout=20))
    assert (error.code, error.reason) == (grpc.StatusCode.UNAVAILABLE, "UPSTREAM_UNAVAILABLE")


async def test_a_write_that_is_answered_byte_by_byte_may_have_been_applied(
    upstream: FaultServer, channel: grpc.aio.Channel
):
    upstream.on("^GET", UNTOLD)
    upstream.on("^PUT", SLOW)
    error = await refused(CREATE_TWIN.call(channel, timeout=20))
    assert error.reason == "OUTCOME_UNKNOWN"
    assert upstream.sent("PUT") == 1


async def test_an_import_without_a_deadline_does_not_hang_on_a_slow_upstream(
    upstream: FaultServer, channel: grpc.aio.Channel
):
    upstream.on("^GET", UNTOLD)
    upstream.on("^PUT", SLOW)
    item = GraphItem(digital_twin=TWIN)
    item.digital_twin.id = "room"
    call = GraphServiceStub(channel).ImportGraph(iter([ImportGraphRequest(items=[item])]))
    results = [result async for message in call for result in message.results]
    assert [result.status.code for result in results] == [grpc.StatusCode.UNKNOWN.value[0]]
