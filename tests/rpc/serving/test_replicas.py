"""Servers before one upstream: what a caller began at one goes on at another."""

from collections.abc import AsyncIterator, Callable

import grpc.aio
import pytest

from twinfront.errors import from_rpc_error
from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.graph_service_pb2 import (
    ExportGraphRequest,
    ExportGraphResponse,
    GraphItem,
    ImportGraphRequest,
    ImportOptions,
)
from twinfront.v1.graph_service_pb2_grpc import GraphServiceStub
from twinfront.v1.model_service_pb2 import ListModelsRequest
from twinfront.v1.model_service_pb2_grpc import ModelServiceStub
from twinfront.v1.query_service_pb2 import (
    QueryRow,
    QueryTwinsRequest,
    StreamQueryTwinsRequest,
    StreamQueryTwinsResponse,
)
from twinfront.v1.query_service_pb2_grpc import QueryServiceStub
from twinfront.v1.value_pb2 import Value

from .process import ServedProcess, wait_until
from .upstream import UpstreamProcess

Serve = Callable[..., ServedProcess]
KEY = "the same for all replicas"
SPACE = "dtmi:twinfront:sample:Space;1"
MANY = 2500
QUERY = "SELECT * FROM digitaltwins"


@pytest.fixture
def replicas(serve: Serve, upstream: UpstreamProcess) -> tuple[str, str]:
    first = serve(*upstream.words, "--sample", f"--page-token-key={KEY}")
    return first.address, serve(*upstream.words, f"--page-token-key={KEY}").address


@pytest.fixture
async def channels(replicas: tuple[str, str]) -> AsyncIterator[list[grpc.aio.Channel]]:
    channels = [grpc.aio.insecure_channel(address) for address in replicas]
    yield channels
    for channel in channels:
        await channel.close()


@pytest.fixture
async def many(channels: list[grpc.aio.Channel]) -> int:
    """So many twins that streams of them have several messages."""
    name = {"name": Value(string_value="x" * 1000)}
    twins = [DigitalTwin(id=f"space-{number}", model_id=SPACE, properties=name) for number in range(MANY)]
    request = ImportGraphRequest(items=[GraphItem(digital_twin=twin) for twin in twins])
    answers = [answer async for answer in GraphServiceStub(channels[0]).ImportGraph(iter_of(request))]
    assert answers[-1].progress.digital_twins_imported == MANY
    return MANY


async def test_pages_of_a_list_go_on_at_another_replica(channels: list[grpc.aio.Channel]):
    stubs = [ModelServiceStub(channel) for channel in channels]
    whole = [model.id for model in (await stubs[0].ListModels(ListModelsRequest(page_size=1000))).models]
    seen, token = [], ""
    for number in range(len(whole)):
        page = await stubs[number % 2].ListModels(ListModelsRequest(page_size=1, page_token=token))
        seen += [model.id for model in page.models]
        token = page.next_page_token
    assert (seen, token) == (whole, "")
    assert len(whole) > 3


async def test_pages_of_a_query_go_on_at_another_replica(channels: list[grpc.aio.Channel]):
    stubs = [QueryServiceStub(channel) for channel in channels]
    whole = (await stubs[0].QueryTwins(QueryTwinsRequest(query=QUERY, page_size=1000))).rows
    seen, token = 0, ""
    for number in range(1000):
        request = QueryTwinsRequest(query=QUERY, page_size=3, page_token=token)
        page = await stubs[number % 2].QueryTwins(request)
        seen += len(page.rows)
        token = page.next_page_token
        if not token:
            break
    assert seen == len(whole) > 6


@pytest.mark.usefixtures("many")
async def test_a_streamed_query_goes_on_at_another_replica(channels: list[grpc.aio.Channel]):
    first, second = (QueryServiceStub(channel) for channel in channels)
    whole = [message async for message in first.StreamQueryTwins(StreamQueryTwinsRequest(query=QUERY))]
    again = StreamQueryTwinsRequest(query=QUERY, resume_token=whole[0].resume_token)
    rest = [message async for message in second.StreamQueryTwins(again)]
    assert rows(rest) == rows(whole[1:])
    assert rest


@pytest.mark.usefixtures("many")
async def test_an_export_goes_on_at_another_replica_and_so_does_an_import(channels: list[grpc.aio.Channel]):
    first, second = (GraphServiceStub(channel) for channel in channels)
    whole = [message async for message in first.ExportGraph(ExportGraphRequest())]
    rest = [message async for message in second.ExportGraph(ExportGraphRequest(resume_token=whole[0].resume_token))]
    assert items_of(rest) == items_of(whole[1:])
    assert rest

    items = items_of(whole)
    begun = [answer async for answer in first.ImportGraph(iter_of(ImportGraphRequest(items=items[:7])))]
    done = begun[-1].progress.acknowledged_count
    assert done == 7
    request = ImportGraphRequest(options=ImportOptions(resume_from=done), items=items)
    ended = [answer async for answer in second.ImportGraph(iter_of(request))]
    assert (ended[-1].progress.acknowledged_count, ended[-1].progress.failed) == (len(items), 0)


def rows(messages: list[StreamQueryTwinsResponse]) -> list[QueryRow]:
    return [row for message in messages for row in message.rows]


def items_of(messages: list[ExportGraphResponse]) -> list[GraphItem]:
    return [item for message in messages for item in message.items]


async def iter_of(request: ImportGraphRequest) -> AsyncIterator[ImportGraphRequest]:
    yield request


async def test_a_token_of_another_key_is_refused(serve: Serve, upstream: UpstreamProcess):
    first = serve(*upstream.words, "--sample", f"--page-token-key={KEY}").address
    second = serve(*upstream.words, "--page-token-key=that of somebody else").address
    async with grpc.aio.insecure_channel(first) as one, grpc.aio.insecure_channel(second) as other:
        page = await ModelServiceStub(one).ListModels(ListModelsRequest(page_size=1))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ModelServiceStub(other).ListModels(ListModelsRequest(page_size=1, page_token=page.next_page_token))
    assert from_rpc_error(caught.value).reason == "PAGE_TOKEN_INVALID"


def test_a_server_whose_tokens_no_other_takes_says_so_at_its_start(serve: Serve, upstream: UpstreamProcess):
    alone, sharing = serve(*upstream.words), serve(*upstream.words, f"--page-token-key={KEY}")
    wait_until(lambda: all('"serving"' in served.log() for served in (alone, sharing)))
    assert ["--page-token-key" in served.log() for served in (alone, sharing)] == [True, False]
