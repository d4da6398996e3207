"""Imports that break, and go on."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_status import rpc_status

from twinfront import (
    AsyncTwinfrontClient,
    DeadlineExceededError,
    ImportProgress,
    InvalidArgumentError,
    TwinfrontError,
    UnavailableError,
)
from twinfront._retry import ATTEMPTS
from twinfront.v1.graph_service_pb2 import ImportGraphRequest, ImportGraphResponse

from .awaited import Connect

Stream = Any
Run = Callable[[AsyncIterator[Stream], grpc.aio.ServicerContext[Any, Any]], AsyncIterator[ImportGraphResponse]]


class Importer:
    """A server whose imports are up to the test.

    Attributes:
        target: its address.
        streams: where each began.
        read: how many items, or bytes, each read.
    """

    def __init__(self) -> None:
        self.target = ""
        self.streams: list[int] = []
        self.read: list[int] = []
        self.run: Run

    async def acknowledged(self, messages: AsyncIterator[Stream], most: int) -> AsyncIterator[ImportGraphResponse]:
        """Imports up to a number of items, or bytes of a text, as many as there are items acknowledged."""
        begun_from = 0
        self.read.append(0)
        async for message in messages:
            if message.HasField("options"):
                begun_from = message.options.resume_from
                self.streams.append(begun_from)
            self.read[-1] = min(most, self.read[-1] + len(message.items) + len(message.chunk))
            response = ImportGraphResponse()
            response.progress.acknowledged_count = self.read[-1]
            response.progress.digital_twins_imported = max(0, self.read[-1] - begun_from)
            response.progress.failed = 1
            yield response
            if self.read[-1] == most:
                return


@pytest.fixture
async def importer() -> AsyncIterator[Importer]:
    importer = Importer()

    async def import_graph(messages: Any, context: Any) -> AsyncIterator[ImportGraphResponse]:
        async for response in importer.run(messages, context):
            yield response

    server = grpc.aio.server()
    handler = grpc.stream_stream_rpc_method_handler(
        import_graph, ImportGraphRequest.FromString, ImportGraphResponse.SerializeToString
    )
    generic = grpc.method_handlers_generic_handler("twinfront.v1.GraphService", {"ImportGraph": handler})
    server.add_generic_rpc_handlers((generic,))
    importer.target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield importer
    await server.stop(None)


def breaking_after(importer: Importer, *mosts: int, reason: str = "") -> Run:
    """Each stream ends after so many items, the last one well."""
    left = iter(mosts)

    async def run(messages: Any, context: Any) -> AsyncIterator[ImportGraphResponse]:
        most = next(left, 1_000_000)
        async for response in importer.acknowledged(messages, most):
            yield response
        if importer.read[-1] == most:
            await end(context, grpc.StatusCode.UNAVAILABLE, reason)

    return run


async def end(context: Any, code: grpc.StatusCode, reason: str = "") -> None:
    if not reason:
        await context.abort(code, "The connection broke.")
    packed = AnyMessage()
    packed.Pack(ErrorInfo(domain="twinfront", reason=reason))
    await context.abort_with_status(rpc_status.to_status(Status(code=code.value[0], message="No.", details=[packed])))


def numbered(count: int) -> list[dict[str, Any]]:
    return [{"$dtId": str(number), "$metadata": {"$model": "dtmi:test:Room;1"}} for number in range(count)]


@pytest.mark.parametrize("reason", ["", "SERVER_DRAINING", "UPSTREAM_UNAVAILABLE"])
async def test_an_import_goes_on_after_what_was_acknowledged(importer: Importer, connect: Connect, reason: str) -> None:
    importer.run = breaking_after(importer, 150, 300, reason=reason)
    report = await connect(importer.target).import_graph(numbered(400)).run()
    assert importer.streams == [0, 150, 300]
    assert report.progress == ImportProgress(400, 0, 400, 0, 3)


async def test_a_text_is_read_again_and_gone_on_with(importer: Importer, connect: Connect) -> None:
    importer.run = breaking_after(importer, 10)
    pieces = [b"0123456", b"789abcd"]
    report = await connect(importer.target).import_graph_text(pieces).run()
    assert importer.streams == [0, 10]
    assert report.progress.acknowledged_count == 14


async def test_an_import_that_begins_later_goes_on_from_there(importer: Importer, connect: Connect) -> None:
    importer.run = breaking_after(importer, 10, 50)
    await connect(importer.target).import_graph(numbered(60), resume_from=20).run()
    assert importer.streams == [20, 20, 50], "what was acknowledged before is not imported again"


async def test_an_import_goes_on_however_often_servers_stop(importer: Importer, connect: Connect) -> None:
    importer.run = breaking_after(importer, *[0] * (ATTEMPTS + 1), reason="SERVER_DRAINING")
    await connect(importer.target).import_graph(numbered(5)).run()
    assert len(importer.streams) == ATTEMPTS + 2


async def test_an_import_is_given_up_at_the_fifth_break_without_progress(importer: Importer, connect: Connect) -> None:
    importer.run = breaking_after(importer, *[100] * 100)
    with pytest.raises(UnavailableError):
        await connect(importer.target).import_graph(numbered(1000)).run()
    assert importer.streams == [0, *[100] * (ATTEMPTS - 1)]


async def test_items_that_can_be_read_once_end_the_import_where_it_breaks(importer: Importer, connect: Connect) -> None:
    def once() -> Iterator[dict[str, Any]]:
        yield from numbered(10)

    async def once_of_asyncio() -> AsyncIterator[dict[str, Any]]:
        for item in numbered(10):
            yield item

    client: Any = connect(importer.target)
    sources: list[Any] = [once(), once_of_asyncio()] if isinstance(client, AsyncTwinfrontClient) else [once()]
    for source in sources:
        importer.streams.clear()
        importer.run = breaking_after(importer, 5)
        with pytest.raises(UnavailableError):
            await client.import_graph(source).run()
        assert importer.streams == [0]


async def test_without_retry_an_import_that_breaks_is_not_gone_on_with(importer: Importer, connect: Connect) -> None:
    importer.run = breaking_after(importer, 5, reason="SERVER_DRAINING")
    with pytest.raises(UnavailableError):
        await connect(importer.target, retry=False).import_graph(numbered(10)).run()
    assert importer.streams == [0]


async def test_an_import_that_is_refused_is_not_gone_on_with(importer: Importer, connect: Connect) -> None:
    async def run(messages: Any, context: Any) -> AsyncIterator[ImportGraphResponse]:
        importer.streams.append((await anext(messages)).options.resume_from)
        await end(context, grpc.StatusCode.INVALID_ARGUMENT)
        yield ImportGraphResponse()

    importer.run = run
    with pytest.raises(InvalidArgumentError):
        await connect(importer.target).import_graph(numbered(100_000)).run()
    assert importer.streams == [0]


async def test_a_server_that_forbids_another_attempt_at_an_import_is_obeyed(
    importer: Importer, connect: Connect
) -> None:
    async def run(messages: Any, context: Any) -> AsyncIterator[ImportGraphResponse]:
        importer.streams.append((await anext(messages)).options.resume_from)
        context.set_trailing_metadata((("grpc-retry-pushback-ms", "-1"),))
        await end(context, grpc.StatusCode.UNAVAILABLE)
        yield ImportGraphResponse()

    importer.run = run
    with pytest.raises(UnavailableError):
        await connect(importer.target).import_graph(numbered(10)).run()
    assert importer.streams == [0]


async def test_the_timeout_of_an_import_is_for_all_its_streams(importer: Importer, connect: Connect) -> None:
    importer.run = breaking_after(importer, *range(1, 1_000))
    with pytest.raises(TwinfrontError) as raised:
        await connect(importer.target).import_graph(numbered(1_000), timeout=0.5).run()
    assert isinstance(raised.value, DeadlineExceededError | UnavailableError)
    assert len(importer.streams) > 1


async def test_what_the_items_raise_ends_an_import_that_was_gone_on_with(importer: Importer, connect: Connect) -> None:
    class Source(Iterable[Any]):
        times = 0

        def __iter__(self) -> Iterator[Any]:
            self.times += 1
            yield from numbered(200)
            if self.times > 1:
                while len(importer.streams) < 2:  # what is raised sooner ends the call before the server hears of it
                    yield from numbered(200)
                raise LookupError("there is no more")

    importer.run = breaking_after(importer, 100)
    with pytest.raises(LookupError, match="there is no more"):
        await connect(importer.target).import_graph(Source()).run()
    assert importer.streams == [0, 100]


async def test_an_import_that_is_closed_is_not_gone_on_with(importer: Importer, connect: Connect) -> None:
    importer.run = breaking_after(importer, 100, 200, 300)
    reports = connect(importer.target).import_graph(numbered(400))
    async for report in reports:
        if report.progress.acknowledged_count == 100:
            break
    await reports.aclose()
    assert importer.streams == [0]
