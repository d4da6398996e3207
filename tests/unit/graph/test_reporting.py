"""How results of an import are gathered into messages."""

import asyncio

import pytest

from twinfront.v1.graph_service_pb2 import ImportGraphResponse
from twinfront_server.graph.item import Item, ModelWrite
from twinfront_server.graph.reporting import MAX_RESULTS, Report


def item(index: int) -> Item:
    return Item(index, resource="models/dtmi:a:A;1", write=ModelWrite("dtmi:a:A;1", b"{}"))


async def rest_of(report: Report) -> list[ImportGraphResponse]:
    report.close()
    return [message async for message in report.messages()]


async def test_a_message_is_full_with_so_many_results_and_nothing_is_added_before_it_is_taken():
    report = Report()
    for index in range(MAX_RESULTS):
        await report.add(item(index))
    waiting = asyncio.create_task(report.add(item(MAX_RESULTS)))
    done, _ = await asyncio.wait({waiting}, timeout=0.05)
    assert not done
    message = await anext(report.messages())
    assert len(message.results) == MAX_RESULTS
    await asyncio.wait_for(waiting, 10)
    assert [len(message.results) for message in await rest_of(report)] == [1]


@pytest.mark.parametrize("count", [1, MAX_RESULTS - 1])
async def test_a_message_that_is_not_full_takes_more(count: int):
    report = Report()
    for index in range(count):
        await asyncio.wait_for(report.add(item(index)), 10)
    await asyncio.wait_for(report.add(item(count)), 10)
    assert [len(message.results) for message in await rest_of(report)] == [count + 1]
