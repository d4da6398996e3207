"""Imports that mean harm, or are not meant as imports at all."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest
from google.rpc.code_pb2 import Code as RpcCode

from twinfront.v1.graph_service_pb2 import GraphItem, ImportGraphRequest, ImportGraphResponse
from twinfront.v1.graph_service_pb2_grpc import GraphServiceStub
from twinfront_server.wire.limits import MAX_ITEMS, MAX_UNREADABLE

from .building import interface
from .graphs import Imported, chunk, collect, floor_row, items, model, models, run_import, text
from .refusal import fields, refused

Code = grpc.StatusCode
MANY = MAX_UNREADABLE + 5_000


async def ended(channel: grpc.aio.Channel, *requests: ImportGraphRequest) -> tuple[Imported, list[str]]:
    """What was answered before the stream was refused, and for which fields it was."""
    imported = Imported()
    error = await refused(collect(GraphServiceStub(channel).ImportGraph(iter(requests)), imported.messages))
    assert (error.code, error.reason) == (Code.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    return imported, fields(error)


@pytest.mark.parametrize("row", [b"x", b"{}", b'{"$dtId": 1}', b'{"$dtId": "a b", "$dtId": null}'])
async def test_a_text_that_is_mostly_unreadable_ends_the_stream(channel: grpc.aio.Channel, row: bytes):
    imported, named = await ended(channel, chunk(text({"Twins": [row] * MANY})))
    assert named == ["chunk"]
    assert set(imported.results) == set(range(MAX_UNREADABLE))
    assert imported.progress.acknowledged_count == MAX_UNREADABLE


async def test_items_that_are_mostly_unreadable_end_the_stream(channel: grpc.aio.Channel):
    imported, named = await ended(channel, *[items(*[GraphItem()] * 1000) for _ in range(MANY // 1000)])
    assert (named, len(imported.results)) == (["items"], MAX_UNREADABLE)


async def test_sections_that_there_are_not_are_counted_as_well(channel: grpc.aio.Channel):
    _, named = await ended(channel, chunk(b'{"Section":"Rooms"}\n' * MANY))
    assert named == ["chunk"]


@pytest.mark.usefixtures("building")
async def test_each_item_that_can_be_read_allows_for_one_more_that_cannot(channel: grpc.aio.Channel):
    good = [floor_row(f"floor-{number}") for number in range(200)]
    imported = await run_import(channel, chunk(text({"Twins": [*good, *[b"x"] * (MAX_UNREADABLE + 200)]})))
    assert imported.counts == (0, 200, 0, MAX_UNREADABLE + 200)
    _, named = await ended(channel, chunk(text({"Twins": [*good, *[b"x"] * (MAX_UNREADABLE + 201)]})))
    assert named == ["chunk"]


async def test_a_message_has_so_many_items_and_no_more(channel: grpc.aio.Channel):
    _, named = await ended(channel, items(*[GraphItem(dtdl_model="x")] * (MAX_ITEMS + 1)))
    assert named == ["items"]


@pytest.mark.grpcio_engine("a refused stream of requests is heard out")
async def test_what_a_refused_caller_is_still_sending_is_heard_out(channel: grpc.aio.Channel):
    """Some clients make INTERNAL of the status that meets them while they send."""
    all_sent = False

    async def sending() -> AsyncIterator[ImportGraphRequest]:
        nonlocal all_sent
        for _ in range(10):
            yield chunk(b"x\n")
            await asyncio.sleep(0.01)
        all_sent = True

    messages: list[ImportGraphResponse] = []
    error = await refused(collect(GraphServiceStub(channel).ImportGraph(sending()), messages))
    assert (error.code, all_sent) == (Code.INVALID_ARGUMENT, True)


async def test_a_refused_caller_that_sends_for_ever_is_not_heard_out_for_ever(channel: grpc.aio.Channel):
    async def sending() -> AsyncIterator[ImportGraphRequest]:
        while True:
            yield chunk(b"x\n")
            await asyncio.sleep(0.01)

    async with asyncio.timeout(10):
        error = await refused(collect(GraphServiceStub(channel).ImportGraph(sending()), []))
    assert error.code is Code.INVALID_ARGUMENT


@pytest.mark.parametrize("validate_only", [False, True])
@pytest.mark.parametrize("good", [0, 2, 10])
async def test_the_uploads_grow_no_faster_than_the_models_however_many_are_bad(
    channel: grpc.aio.Channel, good: int, *, validate_only: bool
):
    """One of every so many is good; the others extend one that is nowhere."""
    attempts = []
    for count in (100, 200):
        sent = [
            model(interface(f"dtmi:example:M{count}x{number};1", [], **_base(good and number % good == 0)))
            for number in range(count)
        ]
        call = GraphServiceStub(channel).ImportGraph(iter([items(*sent, validate_only=validate_only)]))
        imported = Imported()
        await collect(call, imported.messages)
        assert imported.progress.failed == count - (-(-count // good) if good else 0)
        trailers = dict(await call.trailing_metadata())
        attempts.append(int(trailers["twinfront-upstream-attempts"]))
    assert attempts[1] <= 2.2 * attempts[0]
    assert attempts[1] <= 2 * 200


def _base(is_good: object) -> dict[str, str]:
    return {} if is_good else {"extends": "dtmi:example:Nowhere;1"}


async def test_models_of_a_dry_run_are_sent_along_with_those_that_need_them(channel: grpc.aio.Channel):
    """So many that they do not fit into one upload with all those before."""
    base = [model(interface(f"dtmi:example:Base{number};1", [])) for number in range(300)]
    derived = [
        model(interface(f"dtmi:example:Derived{number};1", [], extends=f"dtmi:example:Base{number};1"))
        for number in range(0, 300, 10)
    ]
    imported = await run_import(channel, items(*base, *derived, validate_only=True))
    assert (imported.failures, imported.counts) == ({}, (330, 0, 0, 0))


async def test_garbage_does_not_keep_the_rest_of_a_text_from_being_imported(channel: grpc.aio.Channel):
    await run_import(channel, items(*models()))
    imported = await run_import(channel, chunk(text({"Twins": [floor_row("a"), *[b"x"] * 3000, floor_row("b")]})))
    assert imported.counts == (0, 2, 0, 3000)
    assert {result.status.code for result in imported.failures.values()} == {RpcCode.INVALID_ARGUMENT}
