"""POST /query through the service's door, and once over HTTP."""

import asyncio
import base64
import sqlite3
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from localtwins import LocalTwins, StartupError
from localtwins.query import compile_query
from localtwins.settings import Settings

from .adt import MODELS, SPACE_TWIN, Adt, Answer, remove, replace
from .serving import refused, serving

TWINS = 30
EVERY_ID = "SELECT T.$dtId AS id FROM DIGITALTWINS T"
# Paths of 9 and 10 relationships in a graph where every twin has one to every other: there is no end to them.
ENDLESS = "SELECT x FROM DIGITALTWINS MATCH (a)-[*9..10]-(x) WHERE a.$dtId = 't00'"


@asynccontextmanager
async def opened(data_dir: str | Path, **settings: Any) -> AsyncIterator[Adt]:
    service = await LocalTwins.open(data_dir, Settings(**settings))
    try:
        yield Adt(service)
    finally:
        await service.close()


@pytest.fixture(params=["memory", "disk"])
def data_dir(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return ":memory:" if request.param == "memory" else str(tmp_path / "data")


async def put_models(adt: Adt) -> None:
    assert (await adt.post("/models", MODELS)).status == 201


async def put_spaces(adt: Adt, count: int = TWINS) -> None:
    await put_models(adt)
    for number in range(count):
        assert (await adt.put(f"/digitaltwins/t{number:02}", SPACE_TWIN)).status == 200


@pytest.fixture
async def spaces(empty: Adt) -> Adt:
    """30 twins."""
    await put_spaces(empty)
    return empty


async def query(adt: Adt, text: str, **headers: str) -> Answer:
    return await adt.post("/query", {"query": text}, **headers)


async def rows(adt: Adt, text: str) -> list[Any]:
    answer = await query(adt, text)
    assert answer.status == 200, answer
    rows: list[Any] = answer.body["value"]
    return rows


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await condition():
            await asyncio.sleep(0.01)


# --- pages -----------------------------------------------------------------------------------------------------------


async def test_pages_of_the_size_that_is_asked_for(spaces: Adt):
    answer = await query(spaces, EVERY_ID, max_items_per_page="12")
    sizes, ids = [], []
    while True:
        sizes.append(len(answer.body["value"]))
        ids += [row["id"] for row in answer.body["value"]]
        token = answer.body["continuationToken"]
        if token is None:
            break
        answer = await spaces.post("/query", {"continuationToken": token}, max_items_per_page="12")
        assert answer.status == 200
    assert sizes == [12, 12, 6]
    assert sorted(ids) == [f"t{number:02}" for number in range(TWINS)]


async def test_a_page_has_a_hundred_rows_by_default_and_a_thousand_at_the_most(adt: Adt):
    await put_many_spaces(adt, 1001)
    assert len((await query(adt, EVERY_ID)).body["value"]) == 100
    assert len((await query(adt, EVERY_ID, max_items_per_page="1000")).body["value"]) == 1000
    assert len((await query(adt, EVERY_ID, max_items_per_page="5000")).body["value"]) == 1000


async def put_many_spaces(adt: Adt, count: int) -> None:
    puts = [adt.put(f"/digitaltwins/t{number:04}", SPACE_TWIN) for number in range(count)]
    assert {answer.status for answer in await asyncio.gather(*puts)} == {200}


@pytest.mark.parametrize("size", ["0", "-1", "x", "1.5", ""])
async def test_a_page_size_that_is_none(spaces: Adt, size: str):
    answer = await query(spaces, EVERY_ID, max_items_per_page=size)
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert "max-items-per-page" in answer.message


async def test_a_token_counts_more_than_the_query_beside_it(spaces: Adt):
    token = (await query(spaces, EVERY_ID, max_items_per_page="10")).body["continuationToken"]
    both = {"query": "SELECT COUNT() FROM RELATIONSHIPS", "continuationToken": token}
    answer = await spaces.post("/query", both, max_items_per_page="2")
    assert answer.body["value"] == [{"id": "t10"}, {"id": "t11"}]


@pytest.mark.parametrize("token", [None, ""])
async def test_a_token_that_is_null_or_empty_is_no_token(spaces: Adt, token: str | None):
    answer = await spaces.post("/query", {"query": EVERY_ID, "continuationToken": token})
    assert len(answer.body["value"]) == TWINS


async def test_tampered_tokens_are_refused(spaces: Adt):
    token = (await query(spaces, EVERY_ID, max_items_per_page="10")).body["continuationToken"]
    content = base64.urlsafe_b64decode(token)
    other_query = base64.urlsafe_b64encode(content.replace(b"DIGITALTWINS", b"RELATIONSHIP")).decode()
    for tampered in (token[:-4], f"{token[:-8]}AAAA{token[-4:]}", other_query, "made-up", 5, [token], {"a": 1}):
        answer = await spaces.post("/query", {"query": EVERY_ID, "continuationToken": tampered})
        assert (answer.status, answer.code) == (400, "BadRequest"), tampered


async def test_a_token_goes_on_after_a_restart(tmp_path: Path):
    async with opened(tmp_path) as adt:
        await put_spaces(adt)
        token = (await query(adt, EVERY_ID, max_items_per_page="28")).body["continuationToken"]
    async with opened(tmp_path) as adt:
        answer = await adt.post("/query", {"continuationToken": token})
        assert answer.body == {"value": [{"id": "t28"}, {"id": "t29"}], "continuationToken": None}


async def test_the_charge_is_a_header(spaces: Adt):
    one, many = [await query(spaces, f"SELECT TOP({count}) FROM DIGITALTWINS") for count in (1, 20)]
    assert 0 < float(one.headers["query-charge"]) < float(many.headers["query-charge"])


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [[], "SELECT", 5, None, {}, {"query": 5}, {"query": None}, {"query": ["SELECT"]}, {"Query": EVERY_ID}],
)
async def test_bodies_without_a_query(adt: Adt, body: Any):
    answer = await adt.post("/query", body if body is not None else b"null")
    assert (answer.status, answer.code) == (400, "InvalidArgument")


async def test_bodies_that_are_no_json(adt: Adt):
    assert (await adt.post("/query", b"")).code == "BadRequest"
    assert (await adt.post("/query", b"{'query'")).code == "InvalidArgument"
    assert (await adt.post("/query", b'{"query": "\xff"}')).code == "InvalidArgument"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("foo", "SQL query parse failed: SQL Parser Error, Line=1, Position=0, Message=missing SELECT at 'foo'"),
        ("", "Line=1, Position=0, Message=missing SELECT at '<EOF>'"),
        ("SELECT *\nFROM DIGITALTWINS\n  WHERE Group = 1", "Line=3, Position=8, Message='Group' is a reserved word"),
        ("SELECT * FROM DIGITALTWINS WHERE a = 'x", "Line=1, Position=37, Message=token recognition error"),
    ],
)
async def test_a_text_that_is_no_query_is_refused(adt: Adt, text: str, message: str):
    answer = await query(adt, text)
    assert (answer.status, answer.code) == (400, "SqlQueryError")
    assert message in answer.message
    assert answer.headers["x-ms-error-code"] == "SqlQueryError"


# --- time ------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def dense_graph(data_dir: str, **settings: Any) -> AsyncIterator[Adt]:
    """12 twins, each adjacent to every other."""
    async with opened(data_dir, **settings) as adt:
        await put_spaces(adt, 12)
        for source in range(12):
            for target in range(12):
                if source != target:
                    relationship = {"$targetId": f"t{target:02}", "$relationshipName": "adjacentTo"}
                    path = f"/digitaltwins/t{source:02}/relationships/to{target}"
                    assert (await adt.put(path, relationship)).status == 200
        yield adt


async def test_a_query_that_takes_too_long(data_dir: str):
    async with dense_graph(data_dir, max_query_seconds=0.1) as adt:
        answer = await query(adt, ENDLESS)
        assert (answer.status, answer.code) == (400, "TimeoutError")
        assert "0.1 seconds" in answer.message


async def test_nothing_waits_for_a_query_that_takes_long(data_dir: str):
    async with dense_graph(data_dir, max_query_seconds=600) as adt:
        slow = asyncio.create_task(query(adt, ENDLESS))
        await until(query_threads)
        assert (await adt.get("/digitaltwins/t00")).status == 200
        assert (await adt.put("/digitaltwins/new", SPACE_TWIN)).status == 200
        assert await rows(adt, "SELECT COUNT() FROM DIGITALTWINS") == [{"COUNT": 13}]
        assert not slow.done()
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)


async def query_threads() -> bool:
    return any(thread.name.startswith("localtwins-query") for thread in threading.enumerate())


async def test_callers_that_have_gone_leave_no_query_running(data_dir: str):
    async with dense_graph(data_dir, max_query_seconds=600) as adt:
        for _ in range(6):
            slow = asyncio.create_task(query(adt, ENDLESS))
            await asyncio.sleep(0.02)
            slow.cancel()
            await asyncio.gather(slow, return_exceptions=True)
        # more of them than there are threads, so that one which went on would leave no room for this one
        answer = await query(adt, "SELECT COUNT() FROM DIGITALTWINS MATCH (a)-[*4]-(x) WHERE a.$dtId = 't00'")
        assert answer.status == 200
        assert answer.body["value"][0]["COUNT"] > 0


async def test_closing_does_not_wait_for_a_query(data_dir: str):
    async with dense_graph(data_dir, max_query_seconds=600) as adt:
        slow = asyncio.create_task(query(adt, ENDLESS))
        await until(query_threads)
    answer = await slow
    assert (answer.status, answer.code) == (503, "ServiceUnavailable")


# --- what a query sees -----------------------------------------------------------------------------------------------


async def test_a_query_sees_every_write_that_was_answered(data_dir: str):
    async with opened(data_dir) as adt:
        await put_models(adt)
        machine = "SELECT M.power FROM DIGITALTWINS M WHERE M.$dtId = 'm'"
        assert await rows(adt, machine) == []
        await adt.put("/digitaltwins/m", {"$metadata": {"$model": "dtmi:test:Machine;1"}, "power": 1})
        assert await rows(adt, machine) == [{"power": 1}]
        await adt.patch("/digitaltwins/m", replace("/power", 2))
        assert await rows(adt, machine) == [{"power": 2}]
        await adt.patch("/digitaltwins/m", remove("/power"))
        assert await rows(adt, machine) == [{}]
        await adt.delete("/digitaltwins/m")
        assert await rows(adt, machine) == []


async def test_a_row_is_what_get_answers(spaces: Adt):
    assert await rows(spaces, "SELECT * FROM DIGITALTWINS WHERE $dtId = 't07'") == [await spaces.twin("t07")]


# --- lag -------------------------------------------------------------------------------------------------------------


async def test_with_a_lag_queries_do_not_see_a_write_yet_and_get_does(data_dir: str):
    async with opened(data_dir, query_lag=3600) as adt:
        await put_spaces(adt, 1)
        assert (await adt.get("/digitaltwins/t00")).status == 200
        assert await rows(adt, EVERY_ID) == []


async def test_with_a_lag_queries_see_a_write_in_the_end(data_dir: str):
    async with opened(data_dir, query_lag=0.05) as adt:
        await put_spaces(adt)

        async def seen() -> bool:
            return len(await rows(adt, EVERY_ID)) == TWINS

        await until(seen)
        token = (await query(adt, EVERY_ID, max_items_per_page="25")).body["continuationToken"]
        answer = await adt.post("/query", {"continuationToken": token})
        assert [row["id"] for row in answer.body["value"]] == ["t25", "t26", "t27", "t28", "t29"]
        assert len(await rows(adt, "SELECT * FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:test:Space;1')")) == TWINS


async def test_with_a_lag_queries_see_at_once_what_was_there_before_the_start(tmp_path: Path):
    async with opened(tmp_path) as adt:
        await put_spaces(adt)
    async with opened(tmp_path, query_lag=3600) as adt:
        assert len(await rows(adt, EVERY_ID)) == TWINS
        await adt.delete("/digitaltwins/t00")
    async with opened(tmp_path, query_lag=3600) as adt:
        assert len(await rows(adt, EVERY_ID)) == TWINS - 1
    assert not list(tmp_path.glob("queries.db*"))


async def test_with_a_lag_a_long_query_keeps_nothing_waiting(data_dir: str):
    async with dense_graph(data_dir, query_lag=0.05, max_query_seconds=600) as adt:

        async def complete() -> bool:
            return await rows(adt, "SELECT COUNT() FROM RELATIONSHIPS") == [{"COUNT": 132}]

        await until(complete)
        slow = asyncio.create_task(query(adt, ENDLESS))
        await until(query_threads)
        assert (await adt.put("/digitaltwins/new", SPACE_TWIN)).status == 200

        async def seen() -> bool:
            return await rows(adt, "SELECT COUNT() FROM DIGITALTWINS") == [{"COUNT": 13}]

        await until(seen)
        assert not slow.done()
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)


async def test_a_copy_for_the_lag_that_cannot_be_made_stops_the_start(tmp_path: Path):
    (tmp_path / "queries.db").mkdir()
    with pytest.raises(StartupError, match="cannot be made ready for queries"):
        await LocalTwins.open(tmp_path, Settings(query_lag=1))
    async with opened(tmp_path) as adt:
        assert await rows(adt, EVERY_ID) == []


# --- indexed properties ----------------------------------------------------------------------------------------------


async def test_indexed_properties_are_those_of_the_last_start(tmp_path: Path):
    async def start(names: str | None) -> set[str]:
        async with opened(tmp_path, index_property=names) as adt:
            await adt.post("/models", MODELS)
            machine = {"$metadata": {"$model": "dtmi:test:Machine;1"}, "power": 5}
            await adt.put("/digitaltwins/m", machine)
            assert await rows(adt, "SELECT M.$dtId FROM DIGITALTWINS M WHERE M.power = 5") == [{"$dtId": "m"}]
            return set(adt.service._database.queries.indexed)

    assert await start(None) == set()
    assert await start("power, sensor.reading") == {"power", "sensor.reading"}
    assert await start("power") == {"power"}
    assert await start(None) == set()


@pytest.mark.parametrize(("query_lag", "file"), [(0, "localtwins.db"), (3600, "queries.db")])
async def test_queries_use_the_indexes(tmp_path: Path, query_lag: float, file: str):
    async with opened(tmp_path, index_property="power", query_lag=query_lag) as adt:
        statement = compile_query("SELECT * FROM DIGITALTWINS WHERE power > 5", adt.service._database.queries.indexed)
        sql, parameters = statement.sql((), 10)
        with closing(sqlite3.connect(tmp_path / file)) as connection:
            plan = connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters).fetchall()
        assert any("SEARCH t0 USING INDEX digital_twins_property:power" in row[3] for row in plan)


async def test_a_property_that_can_have_no_index():
    status, error = await refused("--data-dir", ":memory:", "--index-property", "a b")
    assert status == 2
    assert "--index-property" in error
    assert "'a b'" in error
    assert "is not the dotted path of a property" in error


# --- over HTTP -------------------------------------------------------------------------------------------------------


async def test_queries_are_answered_over_http(tmp_path: Path):
    arguments = ("--http", "--data-dir", str(tmp_path), "--index-property", "power", "--index-property", "seats")
    async with serving(*arguments) as server, aiohttp.ClientSession() as http:
        target = f"{server.url}/query?api-version=2023-10-31"
        async with http.post(f"{server.url}/models?api-version=2023-10-31", json=MODELS) as answer:
            assert answer.status == 201
        for name in ("a", "b"):
            path = f"{server.url}/digitaltwins/{name}?api-version=2023-10-31"
            async with http.put(path, json=SPACE_TWIN) as answer:
                assert answer.status == 200
        async with http.post(target, json={"query": EVERY_ID}, headers={"max-items-per-page": "1"}) as answer:
            assert answer.status == 200
            assert float(answer.headers["query-charge"]) > 0
            page = await answer.json()
            assert page["value"] == [{"id": "a"}]
        async with http.post(target, json={"continuationToken": page["continuationToken"]}) as answer:
            assert await answer.json() == {"value": [{"id": "b"}], "continuationToken": None}
        async with http.post(target, json={"query": "SELECT"}) as answer:
            assert (answer.status, answer.headers["x-ms-error-code"]) == (400, "SqlQueryError")
