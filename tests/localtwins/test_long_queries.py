"""Queries that take long: short ones come through, and there is a bound to how many are under way."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from localtwins import LocalTwins, Settings
from localtwins.store import queries

from .adt import CONTEXT, Adt, Answer

NODE = {
    "@id": "dtmi:test:Node;1",
    "@type": "Interface",
    "@context": CONTEXT,
    "contents": [{"@type": "Relationship", "name": "to"}],
}
NODES = 11
# Some hundred million paths, which nobody waits for.
HEAVY = "SELECT COUNT() FROM DIGITALTWINS MATCH (A)-[*1..10]-(B) WHERE A.$dtId = 'n0'"


def counted(depth: int) -> str:
    return f"SELECT COUNT() FROM DIGITALTWINS MATCH (A)-[*1..{depth}]-(B) WHERE A.$dtId = 'n0'"


SHORT = counted(5)  # takes some quarter of a second


@pytest.fixture(params=["memory", "disk"])
async def adt(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Adt]:
    settings = Settings(max_query_seconds=120)
    service = await LocalTwins.open(":memory:" if request.param == "memory" else tmp_path, settings)
    adt = Adt(service)
    await fill(adt)
    yield adt
    await service.close()


async def fill(adt: Adt) -> None:
    """Relate all nodes to all others."""
    assert (await adt.post("/models", [NODE])).status == 201
    for number in range(NODES):
        await adt.put(f"/digitaltwins/n{number}", {"$metadata": {"$model": NODE["@id"]}})
    for source in range(NODES):
        for target in range(source + 1, NODES):
            body = {"$relationshipName": "to", "$targetId": f"n{target}"}
            await adt.put(f"/digitaltwins/n{source}/relationships/to-{target}", body)


async def ask(adt: Adt, query: str) -> Answer:
    return await adt.post("/query", {"query": query})


@asynccontextmanager
async def under_way(adt: Adt, count: int) -> AsyncIterator[Sequence[asyncio.Future[Answer]]]:
    """So many heavy queries, on their way for the time of a block."""
    heavy = [asyncio.ensure_future(ask(adt, HEAVY)) for _ in range(count)]
    await asyncio.sleep(0.5)
    assert not any(query.done() for query in heavy)
    yield heavy
    for query in heavy:
        query.cancel()
    await asyncio.wait(heavy)


@pytest.mark.parametrize("heavy", [2, 10])
async def test_short_queries_come_through_beside_heavy_ones(adt: Adt, heavy: int):
    began = time.monotonic()
    alone = await ask(adt, SHORT)
    assert alone.status == 200
    seconds = time.monotonic() - began
    async with under_way(adt, heavy) as under_way_then:
        answers = await asyncio.wait_for(
            asyncio.gather(*(ask(adt, SHORT) for _ in range(20))), timeout=15 + 40 * seconds
        )
        assert not any(query.done() for query in under_way_then)
    assert [answer.body["value"] for answer in answers] == [alone.body["value"]] * 20


async def test_heavy_queries_go_on_beside_short_ones(adt: Adt):
    longer = asyncio.ensure_future(ask(adt, counted(6)))
    while not longer.done():
        assert (await ask(adt, SHORT)).status == 200
    assert longer.result().status == 200


async def test_more_queries_than_may_be_under_way_are_throttled(adt: Adt, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(queries, "_MOST", 4)
    async with under_way(adt, 4):
        refused = await ask(adt, HEAVY)
        assert (refused.status, refused.code, refused.headers["Retry-After"]) == (429, "TooManyRequests", "1")
        quick = await ask(adt, "SELECT T FROM DIGITALTWINS T WHERE T.$dtId = 'n1'")
        assert [row["T"]["$dtId"] for row in quick.body["value"]] == ["n1"]
    while (after := await ask(adt, SHORT)).status == 429:  # what was cancelled ends in a moment
        await asyncio.sleep(0.05)
    assert after.status == 200


async def test_waiting_counts_towards_the_time_of_a_query():
    hurried = await LocalTwins.open(":memory:", Settings(max_query_seconds=1))
    await fill(Adt(hurried))
    answers = await asyncio.gather(*(ask(Adt(hurried), HEAVY) for _ in range(6)))
    await hurried.close()
    assert [(answer.status, answer.code) for answer in answers] == [(400, "TimeoutError")] * 6


async def test_closing_ends_queries_that_run_and_that_wait(tmp_path: Path):
    service = await LocalTwins.open(tmp_path)
    adt = Adt(service)
    await fill(adt)
    async with under_way(adt, 6) as heavy:
        await asyncio.wait_for(service.close(), 10)
        answers = await asyncio.gather(*heavy)
    assert {(answer.status, answer.code) for answer in answers} == {(503, "ServiceUnavailable")}
