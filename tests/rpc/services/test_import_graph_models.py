"""Models in an import: uploaded together, each ending on its own."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import ErrorInfo

from twinfront.v1 import model_service_pb2 as models
from twinfront.v1.graph_service_pb2 import GraphItem, ImportGraphRequest, ImportResult
from twinfront.v1.graph_service_pb2_grpc import GraphServiceStub
from twinfront.v1.model_service_pb2_grpc import ModelServiceStub

from .building import FLOOR, MODELS, ROOM, THERMOSTAT, interface
from .graphs import floor, items, model, room, run_import


def dtmi(number: int) -> str:
    return f"dtmi:example:models:M{number};1"


def numbered(number: int, *contents: dict[str, Any], **members: object) -> GraphItem:
    return model(interface(dtmi(number), list(contents), **members))


def reason(result: ImportResult) -> str:
    info = ErrorInfo()
    (packed,) = (detail for detail in result.status.details if detail.Is(ErrorInfo.DESCRIPTOR))
    packed.Unpack(info)
    return info.reason


async def stored(channel: grpc.aio.Channel) -> set[str]:
    stub = ModelServiceStub(channel)
    response = await stub.ListModels(models.ListModelsRequest(page_size=1000))
    return {each.id for each in response.models}


async def test_more_models_than_one_upload_takes_come_in_any_order(channel: grpc.aio.Channel):
    count = 600
    chain = [numbered(number, extends=dtmi(number + 1)) for number in range(0, count, 10)]
    rest = [numbered(number) for number in reversed(range(count)) if number % 10]
    imported = await run_import(channel, items(*chain), items(*rest))
    assert (imported.failures, imported.counts) == ({}, (count, 0, 0, 0))
    assert await stored(channel) == {dtmi(number) for number in range(count)}


@pytest.mark.parametrize("bad", [{7}, {0, 100, 299}, set(range(60, 70))])
async def test_bad_models_fail_alone_and_with_them_what_needs_them(channel: grpc.aio.Channel, bad: set[int]):
    wrong = {"@type": "Property", "name": "p", "schema": "unheard-of"}
    sent = [numbered(number, wrong) if number in bad else numbered(number) for number in range(300)]
    dependent = numbered(300, extends=dtmi(min(bad)))
    imported = await run_import(channel, items(*sent, dependent, numbered(301, extends=dtmi(5))))
    assert set(imported.failures) == bad | {300}
    assert {reason(failure) for failure in imported.failures.values()} == {"DTDL_INVALID"}
    for number in bad:
        assert dtmi(number).replace(";1", ":") in imported.failures[number].status.message
    assert len(await stored(channel)) == 302 - len(bad) - 1


@pytest.mark.usefixtures("building")
async def test_models_that_are_there_already_are_compared(channel: grpc.aio.Channel):
    same = json.dumps(json.loads(MODELS[ROOM]), indent=4)
    other = MODELS[FLOOR].replace("level", "storey")
    imported = await run_import(channel, items(model(same), model(other), numbered(1), model(MODELS[THERMOSTAT])))
    assert (list(imported.failures), imported.counts) == ([1], (3, 0, 0, 1))
    failure = imported.failures[1]
    assert (failure.status.code, reason(failure)) == (Code.ALREADY_EXISTS, "MODEL_ALREADY_EXISTS")
    assert (failure.resource, dtmi(1) in await stored(channel)) == (f"models/{FLOOR}", True)


async def test_of_the_same_model_twice_the_second_is_compared_with_the_first(channel: grpc.aio.Channel):
    imported = await run_import(channel, items(numbered(1), numbered(1), numbered(1, displayName="other")))
    assert (list(imported.failures), imported.counts) == ([2], (2, 0, 0, 1))


async def test_a_model_that_needs_one_that_is_nowhere_fails(channel: grpc.aio.Channel):
    imported = await run_import(channel, items(numbered(1, extends=dtmi(2)), numbered(3)))
    assert (list(imported.failures), reason(imported.failures[0])) == ([0], "DTDL_INVALID")


async def test_twins_of_a_model_that_failed_fail(channel: grpc.aio.Channel):
    imported = await run_import(channel, items(model(MODELS[ROOM]), room("room"), model(MODELS[FLOOR]), floor("floor")))
    assert (sorted(imported.failures), imported.counts) == ([0, 1], (1, 1, 0, 2))


async def test_a_dry_run_sees_the_models_of_one_upload_together(channel: grpc.aio.Channel):
    wrong = {"@type": "Property", "name": "p", "schema": "unheard-of"}
    sent = [numbered(1), numbered(2, wrong), numbered(3, extends=dtmi(1)), numbered(4, extends=dtmi(2))]
    imported = await run_import(channel, items(*sent, validate_only=True))
    assert (sorted(imported.failures), imported.counts) == ([1, 3], (2, 0, 0, 2))
    assert await stored(channel) == set()


class Conversation:
    """A caller who waits for results before it goes on."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._requests: asyncio.Queue[ImportGraphRequest | None] = asyncio.Queue()
        self._responses = aiter(GraphServiceStub(channel).ImportGraph(self._sent()))

    async def _sent(self) -> AsyncIterator[ImportGraphRequest]:
        while (request := await self._requests.get()) is not None:
            yield request

    async def ask(self, *graph_items: GraphItem) -> list[tuple[int, str]]:
        self._requests.put_nowait(items(*graph_items))
        message = await anext(self._responses)
        return [(result.index, Code.Name(result.status.code)) for result in message.results]

    async def end(self) -> None:
        self._requests.put_nowait(None)
        assert [message async for message in self._responses]


async def test_a_caller_may_wait_for_its_models_before_it_goes_on(channel: grpc.aio.Channel):
    caller = Conversation(channel)
    assert await caller.ask(numbered(1)) == [(0, "OK")]
    assert await caller.ask(model(MODELS[FLOOR]), numbered(2, extends=dtmi(1))) == [(1, "OK"), (2, "OK")]
    assert await caller.ask(floor("floor")) == [(3, "OK")]
    await caller.end()


async def test_a_model_waits_for_one_that_it_needs_across_a_pause(channel: grpc.aio.Channel):
    caller = Conversation(channel)
    assert await caller.ask(numbered(1, extends=dtmi(2)), numbered(3)) == [(1, "OK")]
    assert sorted(await caller.ask(numbered(2))) == [(0, "OK"), (2, "OK")]
    await caller.end()


async def test_a_model_is_given_up_after_a_long_pause(channel: grpc.aio.Channel, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("twinfront_server.graph.importing.LONG_PAUSE_SECONDS", 0.01)
    caller = Conversation(channel)
    assert await caller.ask(numbered(1, extends=dtmi(2))) == [(0, "INVALID_ARGUMENT")]
    await caller.end()
