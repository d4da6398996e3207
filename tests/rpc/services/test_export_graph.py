"""Exporting a graph: what comes out is what an import takes, and can be gone on with where it broke."""

import asyncio
import itertools
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import orjson
import pytest

from twinfront.v1 import graph_service_pb2 as graphs
from twinfront.v1.digital_twin_service_pb2 import DeleteDigitalTwinRequest, Relationships
from twinfront.v1.graph_service_pb2_grpc import GraphServiceStub
from twinfront_server.app import App
from twinfront_server.settings import Settings

from .building import MODELS, ROOM, Building
from .graphs import (
    chunk,
    collect,
    contains,
    contains_row,
    export_text,
    floor,
    floor_row,
    items,
    many,
    model_rows,
    models,
    room,
    room_row,
    run_export,
    run_import,
    text,
)
from .refusal import refused, refused_field

SOURCE_TIME = "2024-05-01T10:00:00.1234567Z"
ROWS: dict[str, list[Any]] = {
    "Models": model_rows(),
    "Twins": [
        floor_row("floor", level=1),
        room_row(
            "räum 'A'",
            temperature=20.0,
            visits=2**53 + 1,
            occupied=False,
            note="ü\n",
            address={"city": "Ulm"},
            labels={"a": "b"},
            **{"$metadata": {"$model": ROOM, "note": {"sourceTime": SOURCE_TIME}}},
            thermostat={"$metadata": {"setpoint": {"sourceTime": SOURCE_TIME}}, "setpoint": 1e300},
        ),
        room_row("room", thermostat={"$metadata": {}}),
    ],
    "Relationships": [
        contains_row("floor", "room"),
        contains_row("floor", "räum 'A'"),
        {
            "$dtId": "räum 'A'",
            "$relationshipId": "next",
            "$targetId": "room",
            "$relationshipName": "adjacentTo",
            "weight": 1.5,
        },
    ],
}


@pytest.fixture
async def graph(channel: grpc.aio.Channel) -> None:
    imported = await run_import(channel, chunk(text(ROWS)))
    assert imported.counts == (4, 3, 3, 0)


@pytest.fixture
async def other() -> AsyncIterator[grpc.aio.Channel]:
    """A channel to an empty server."""
    empty = Settings(listen="127.0.0.1:0", metrics_listen="none", data_dir=":memory:")
    async with App(empty) as app, grpc.aio.insecure_channel(str(app.address)) as channel:
        yield channel


def sections(data: bytes) -> dict[str, list[Any]]:
    """The rows of a text by section; each section comes once."""
    found: dict[str, list[Any]] = {}
    for line in data.splitlines():
        row = orjson.loads(line)
        if "Section" in row:
            assert row["Section"] not in found
            rows = found[row["Section"]] = []
        else:
            rows.append(row)
    return found


def same(rows: list[Any]) -> list[bytes]:
    """Rows for comparison, whatever their order."""
    return sorted(
        orjson.dumps(row if isinstance(row, dict) else orjson.loads(row), option=orjson.OPT_SORT_KEYS) for row in rows
    )


@pytest.mark.usefixtures("graph")
async def test_an_export_has_what_was_imported_and_nothing_else(channel: grpc.aio.Channel):
    exported = sections(await export_text(channel))
    assert list(exported) == ["Header", "Models", "Twins", "Relationships"]
    assert exported["Header"] == [{"fileVersion": "1.0.0", "author": "twinfront", "organization": ""}]
    for section, rows in ROWS.items():
        assert same(exported[section]) == same(rows), section


@pytest.mark.usefixtures("graph")
async def test_an_export_of_an_import_of_an_export_is_the_same(channel: grpc.aio.Channel, other: grpc.aio.Channel):
    first = await export_text(channel)
    imported = await run_import(other, chunk(first))
    assert (imported.counts, imported.progress.acknowledged_count) == ((4, 3, 3, 0), 10)
    second = await export_text(other)
    assert {name: same(rows) for name, rows in sections(second).items()} == {
        name: same(rows) for name, rows in sections(first).items()
    }


@pytest.mark.usefixtures("graph")
async def test_an_import_job_takes_what_was_exported(channel: grpc.aio.Channel, tmp_path: Path):
    command = [sys.executable, "-m", "localtwins", "import", "-", "--data-dir", str(tmp_path / "data")]
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stderr=PIPE)
    _, report = await process.communicate(await export_text(channel))
    assert (process.returncode, report) == (
        0,
        b"4 models, 3 digital twins and 3 relationships imported, 0 rows refused\n",
    )


@pytest.mark.usefixtures("graph")
async def test_typed_items_are_imported_as_they_are_exported(channel: grpc.aio.Channel, other: grpc.aio.Channel):
    (message,) = await run_export(channel)
    assert [item.WhichOneof("item") for item in message.items] == (
        ["dtdl_model"] * 4 + ["digital_twin"] * 3 + ["relationship"] * 3
    )
    for item in message.items[4:7]:
        twin = item.digital_twin
        assert (twin.etag, twin.json, twin.HasField("last_update_time")) == ("", b"", False)
        assert all(not entry.HasField("last_update_time") for entry in twin.property_metadata.values())
    assert (await run_import(other, items(*message.items))).counts == (4, 3, 3, 0)
    assert {name: same(rows) for name, rows in sections(await export_text(other)).items()} == {
        name: same(rows) for name, rows in sections(await export_text(channel)).items()
    }


async def test_nothing_comes_of_an_empty_instance(channel: grpc.aio.Channel):
    assert await run_export(channel) == [graphs.ExportGraphResponse()]
    exported = sections(await export_text(channel))
    assert [(name, len(rows)) for name, rows in exported.items()] == [
        ("Header", 1),
        ("Models", 0),
        ("Twins", 0),
        ("Relationships", 0),
    ]


@pytest.mark.usefixtures("graph")
async def test_models_can_be_left_out(channel: grpc.aio.Channel):
    assert list(sections(await export_text(channel, exclude_models=True))) == ["Header", "Twins", "Relationships"]
    (message,) = await run_export(channel, exclude_models=True)
    assert len(message.items) == 6


@pytest.mark.usefixtures("graph")
async def test_a_query_chooses_twins_and_the_relationships_between_them(channel: grpc.aio.Channel):
    query = f"SELECT * FROM digitaltwins T WHERE IS_OF_MODEL(T, '{ROOM}')"
    exported = sections(await export_text(channel, query=query))
    assert len(exported["Models"]) == len(MODELS)
    assert {row["$dtId"] for row in exported["Twins"]} == {"räum 'A'", "room"}
    assert [row["$relationshipId"] for row in exported["Relationships"]] == ["next"]


@pytest.mark.usefixtures("graph")
async def test_a_query_that_chooses_nothing_exports_nothing(channel: grpc.aio.Channel):
    query = "SELECT * FROM digitaltwins T WHERE T.$dtId = 'nobody'"
    assert await run_export(channel, query=query, exclude_models=True) == [graphs.ExportGraphResponse()]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("SELECT T.$dtId FROM digitaltwins T", "INVALID_ARGUMENT"),
        ("SELECT COUNT() FROM digitaltwins", "INVALID_ARGUMENT"),
        ("SELECT * FROM relationships", "INVALID_ARGUMENT"),
        ("SELECT T.$metadata AS [[$dtId]], T.$metadata FROM digitaltwins T", "INVALID_ARGUMENT"),
        ("SELECT T.$dtId, T.$dtId AS [[$metadata]] FROM digitaltwins T", "INVALID_ARGUMENT"),
        ("SELECT A, B FROM digitaltwins A JOIN B RELATED A.contains R WHERE A.$dtId = 'floor'", "INVALID_ARGUMENT"),
        ("SELECT everything", "QUERY_INVALID"),
    ],
)
@pytest.mark.usefixtures("graph")
async def test_a_query_of_anything_but_twins_is_refused(channel: grpc.aio.Channel, query: str, reason: str):
    for exclude_models in (False, True):
        assert await refused_field(run_export(channel, query=query, exclude_models=exclude_models), reason) == "query"


async def test_a_format_that_there_is_not_is_refused(channel: grpc.aio.Channel):
    assert await refused_field(run_export(channel, format=9)) == "format"


def small_pages(monkeypatch: pytest.MonkeyPatch, *, rows: int, message: int) -> None:
    monkeypatch.setattr("twinfront_server.graph.walk.PAGE_SIZE", rows)
    monkeypatch.setattr("twinfront_server.graph.walk._MAX_IDS", rows)
    monkeypatch.setattr("twinfront_server.graph.exporting.MAX_BYTES", message)


@pytest.mark.parametrize("format_", [graphs.EXPORT_FORMAT_TYPED, graphs.EXPORT_FORMAT_NDJSON])
@pytest.mark.parametrize("query", ["", "SELECT * FROM digitaltwins T WHERE T.$dtId != 'nobody'"])
@pytest.mark.usefixtures("graph")
async def test_an_export_that_broke_is_gone_on_with_from_every_message(
    channel: grpc.aio.Channel, monkeypatch: pytest.MonkeyPatch, format_: graphs.ExportFormat.ValueType, query: str
):
    small_pages(monkeypatch, rows=2, message=100)
    request = {"query": query, "format": format_}
    whole = await run_export(channel, **request)
    assert len(whole) > 8
    assert [bool(message.resume_token) for message in whole] == [True] * (len(whole) - 1) + [False]
    for number, message in enumerate(whole[:-1], 1):
        rest = await run_export(channel, **request, resume_token=message.resume_token)
        assert [(each.items, each.chunk) for each in rest] == [(each.items, each.chunk) for each in whole[number:]]


@pytest.mark.usefixtures("graph")
async def test_a_token_belongs_to_its_request(channel: grpc.aio.Channel, monkeypatch: pytest.MonkeyPatch):
    small_pages(monkeypatch, rows=2, message=100)
    token = (await run_export(channel))[0].resume_token
    requests: list[dict[str, Any]] = [
        {"resume_token": token, "exclude_models": True},
        {"resume_token": token, "format": graphs.EXPORT_FORMAT_NDJSON},
        {"resume_token": token, "query": "SELECT * FROM digitaltwins"},
        {"resume_token": token[:-2]},
        {"resume_token": "nonsense"},
        {"resume_token": "ü"},
    ]
    for request in requests:
        assert await refused_field(run_export(channel, **request), "PAGE_TOKEN_INVALID") == "resume_token"


async def test_messages_are_of_bounded_size_and_pages_leave_nothing_out(channel: grpc.aio.Channel):
    call = GraphServiceStub(channel).ImportGraph(many(6000))
    assert [message async for message in call][-1].progress.digital_twins_imported == 6000
    messages = await run_export(channel)
    assert len(messages) > 1, "as one message it would be larger"
    assert max(message.ByteSize() for message in messages) < 300 << 10
    ids = [item.digital_twin.id for message in messages for item in message.items if item.HasField("digital_twin")]
    assert sorted(ids) == sorted(f"room-{number}" for number in range(6000))


@pytest.mark.usefixtures("building")
async def test_relationships_of_many_twins_by_query_are_all_there(channel: grpc.aio.Channel):
    graph_items = [floor("hub"), *(room(f"r{number}") for number in range(120))]
    graph_items += [contains("hub", f"r{number}") for number in range(120)]
    assert (await run_import(channel, items(*graph_items))).counts == (0, 121, 120, 0)
    query = "SELECT * FROM digitaltwins T WHERE T.$dtId != 'r0'"
    exported = sections(await export_text(channel, query=query, exclude_models=True))
    assert (len(exported["Twins"]), len(exported["Relationships"])) == (120, 119)


@pytest.mark.parametrize(("select", "twins"), [("R", ["a", "b"]), ("F", ["f"])])
@pytest.mark.usefixtures("building")
async def test_a_join_chooses_twins_and_each_comes_once(channel: grpc.aio.Channel, select: str, twins: list[str]):
    await run_import(channel, items(floor("f"), room("a"), room("b"), contains("f", "a"), contains("f", "b")))
    query = f"SELECT {select} FROM digitaltwins F JOIN R RELATED F.contains WHERE F.$dtId = 'f'"
    exported = sections(await export_text(channel, query=query, exclude_models=True))
    assert sorted(row["$dtId"] for row in exported["Twins"]) == twins
    assert exported["Relationships"] == []


@pytest.mark.parametrize("format_", [graphs.EXPORT_FORMAT_TYPED, graphs.EXPORT_FORMAT_NDJSON])
async def test_a_join_over_many_pages_that_broke_is_gone_on_with_from_every_message(
    channel: grpc.aio.Channel,
    building: Building,
    monkeypatch: pytest.MonkeyPatch,
    format_: graphs.ExportFormat.ValueType,
):
    small_pages(monkeypatch, rows=3, message=100)
    rooms = [f"r{number}" for number in range(10)]
    # Each room is answered once for each floor, and so on several pages.
    ways = [contains(each, other) for each in ("f", "g") for other in rooms]
    await run_import(channel, items(floor("f"), floor("g"), *map(room, rooms), *ways))
    for source, target in itertools.pairwise(rooms):
        await building.connect(source, "next", target)
    query = "SELECT R FROM digitaltwins F JOIN R RELATED F.contains WHERE F.$dtId IN ['f', 'g']"
    request = {"query": query, "format": format_, "exclude_models": True}
    whole = await run_export(channel, **request)
    assert len(whole) > 8
    for number, message in enumerate(whole[:-1], 1):
        rest = await run_export(channel, **request, resume_token=message.resume_token)
        assert [(each.items, each.chunk) for each in rest] == [(each.items, each.chunk) for each in whole[number:]]


async def test_a_join_is_gone_on_with_though_twins_before_the_place_are_gone(
    channel: grpc.aio.Channel, building: Building, monkeypatch: pytest.MonkeyPatch
):
    small_pages(monkeypatch, rows=3, message=400)
    rooms = [f"r{number}" for number in range(10)]
    await run_import(channel, items(floor("f"), *map(room, rooms), *(contains("f", each) for each in rooms)))
    query = "SELECT R FROM digitaltwins F JOIN R RELATED F.contains WHERE F.$dtId = 'f'"
    first = (await run_export(channel, query=query, exclude_models=True))[0]
    taken = [item.digital_twin.id for item in first.items]
    await building.twins.DeleteDigitalTwin(
        DeleteDigitalTwinRequest(digital_twin_id=taken[0], relationships=Relationships.RELATIONSHIPS_DETACH)
    )
    rest = await run_export(channel, query=query, exclude_models=True, resume_token=first.resume_token)
    assert sorted([*taken, *(item.digital_twin.id for message in rest for item in message.items)]) == rooms


async def test_a_caller_that_cancels_leaves_nothing_behind(channel: grpc.aio.Channel, server: App):
    call = GraphServiceStub(channel).ImportGraph(many(3000))
    async for _ in call:
        pass
    export = GraphServiceStub(channel).ExportGraph(graphs.ExportGraphRequest())
    await anext(aiter(export))
    export.cancel()
    async with asyncio.timeout(1):
        while not server._chain.in_flight.is_idle:
            await asyncio.sleep(0.01)
    assert not [task for task in asyncio.all_tasks() if "_following" in getattr(task.get_coro(), "__qualname__", "")]


async def test_a_server_that_stops_says_so_after_a_message(
    channel: grpc.aio.Channel, server: App, monkeypatch: pytest.MonkeyPatch
):
    small_pages(monkeypatch, rows=2, message=100)
    await run_import(channel, items(*models(), floor("floor"), floor("other")))
    server._chain.draining.end_streams()
    received: list[graphs.ExportGraphResponse] = []
    call = GraphServiceStub(channel).ExportGraph(graphs.ExportGraphRequest())
    assert (await refused(collect(call, received))).reason == "SERVER_DRAINING"
    assert [bool(message.resume_token) for message in received] == [True]
