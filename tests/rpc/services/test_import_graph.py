"""Importing a graph: models, twins and relationships in, how each ended out."""

from typing import Any

import grpc
import grpc.aio
import orjson
import pytest
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status

from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront.v1.graph_service_pb2 import GraphItem, ImportGraphRequest, ImportProgress
from twinfront.v1.graph_service_pb2_grpc import GraphServiceStub
from twinfront.v1.relationship_pb2 import Relationship
from twinfront.v1.value_pb2 import Value

from .building import FLOOR, MODELS, ROOM, Building
from .graphs import (
    Imported,
    chunk,
    collect,
    contains,
    contains_row,
    cut,
    floor,
    floor_row,
    items,
    many,
    model_rows,
    models,
    room,
    room_row,
    run_import,
    text,
)
from .refusal import refused_field

GRAPH = text(
    {
        "Models": model_rows(),
        "Twins": [floor_row("floor"), room_row("room", temperature=20.5)],
        "Relationships": [contains_row("floor", "room")],
    }
)


def reason(status: Status) -> str:
    return str(_unpacked(status, ErrorInfo).reason)


def violations(status: Status) -> list[str]:
    return [violation.field for violation in _unpacked(status, BadRequest).field_violations]


def _unpacked(status: Status, kind: Any) -> Any:
    (packed,) = (detail for detail in status.details if detail.Is(kind.DESCRIPTOR))
    message = kind()
    packed.Unpack(message)
    return message


async def twin(channel: grpc.aio.Channel, digital_twin_id: str) -> twins.GetDigitalTwinResponse:
    stub = DigitalTwinServiceStub(channel)
    response: twins.GetDigitalTwinResponse = await stub.GetDigitalTwin(
        twins.GetDigitalTwinRequest(digital_twin_id=digital_twin_id)
    )
    return response


async def test_typed_items_are_written_and_answered(channel: grpc.aio.Channel):
    imported = await run_import(
        channel,
        items(*models()),
        items(floor("floor"), room("room", temperature=20.5)),
        items(contains("floor", "room")),
    )
    assert (imported.counts, imported.progress.acknowledged_count) == ((4, 2, 1, 0), 7)
    assert [imported.results[index].resource for index in range(7)] == [
        *(f"models/{model_id}" for model_id in MODELS),
        "digitaltwins/floor",
        "digitaltwins/room",
        "digitaltwins/floor/relationships/floor-room",
    ]
    assert [bool(imported.results[index].etag) for index in range(7)] == [False] * 4 + [True] * 3
    read = await twin(channel, "room")
    assert (read.etag, read.digital_twin.model_id) == (imported.results[5].etag, ROOM)
    assert read.digital_twin.properties["temperature"].double_value == 20.5


@pytest.mark.parametrize("size", [1, 7, 100, len(GRAPH)])
async def test_chunks_are_written_however_they_are_cut(channel: grpc.aio.Channel, size: int):
    imported = await run_import(channel, *cut(GRAPH, size))
    assert imported.counts == (4, 2, 1, 0)
    assert [imported.results[index].line for index in range(7)] == [4, 5, 6, 7, 9, 10, 12]
    assert imported.results[6].resource == "digitaltwins/floor/relationships/floor-room"


async def test_items_in_json_have_their_ids_in_it(channel: grpc.aio.Channel):
    relationship = orjson.dumps(
        {"$sourceId": "floor", "$relationshipId": "r", "$targetId": "room", "$relationshipName": "contains"}
    )
    imported = await run_import(
        channel,
        items(
            *models(),
            GraphItem(digital_twin=DigitalTwin(json=orjson.dumps(floor_row("floor")))),
            GraphItem(digital_twin=DigitalTwin(id="room", json=orjson.dumps(room_row("room")))),
            GraphItem(relationship=Relationship(json=relationship)),
        ),
    )
    assert imported.counts == (4, 2, 1, 0)
    assert imported.results[6].resource == "digitaltwins/floor/relationships/r"


async def test_a_stream_without_items_ends_with_its_progress(channel: grpc.aio.Channel):
    for requests in ([], [ImportGraphRequest()], [chunk(b"")], [chunk(b'{"Section": "Header"}')]):
        assert (await run_import(channel, *requests)).messages[-1].progress == ImportProgress()


async def test_what_the_formats_writers_leave_in_rows_is_no_trouble(channel: grpc.aio.Channel):
    data = text(
        {
            "Models": model_rows(),
            "Twins": [floor_row("floor", **{"$etag": None}), room_row("room")],
            "Relationships": [
                contains_row("floor", "room", **{"$sourceId": None, "$etag": None}),
                {"$sourceId": "floor", "$relationshipId": "r", "$targetId": "room", "$relationshipName": "contains"},
            ],
        }
    )
    imported = await run_import(channel, chunk(b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n\r\n") + b"\r\n"))
    assert imported.failures == {}
    assert imported.counts == (4, 2, 2, 0)


async def test_twins_that_exist_are_replaced(building: Building, channel: grpc.aio.Channel):
    await building.add_room("room", note="before")
    imported = await run_import(channel, items(room("room", visits=1)))
    assert imported.counts == (0, 1, 0, 0)
    assert list((await building.read("room")).properties) == ["visits"]


async def test_the_last_of_several_writes_of_one_twin_stays(building: Building, channel: grpc.aio.Channel):
    imported = await run_import(channel, items(*(room("room", visits=number) for number in range(200))))
    assert imported.counts == (0, 200, 0, 0)
    read = await building.read("room")
    assert (read.properties["visits"].int_value, read.etag) == (199, imported.results[199].etag)


@pytest.mark.usefixtures("building")
async def test_relationships_wait_for_their_twins(channel: grpc.aio.Channel):
    chain: list[GraphItem] = []
    for number in range(100):
        chain += [floor(f"floor-{number}"), room(f"room-{number}"), contains(f"floor-{number}", f"room-{number}")]
    imported = await run_import(channel, items(*chain))
    assert (imported.failures, imported.counts) == ({}, (0, 200, 100, 0))


async def test_models_are_there_for_what_follows_wherever_they_come(channel: grpc.aio.Channel):
    thermostat, room_model, _, floor_model = models()
    imported = await run_import(
        channel, items(floor_model, floor("floor"), thermostat, room_model, room("room"), contains("floor", "room"))
    )
    assert (imported.failures, imported.counts) == ({}, (3, 2, 1, 0))


BAD_ITEMS: list[tuple[GraphItem, str, str, str]] = [
    (GraphItem(), "INVALID_ARGUMENT", "item", ""),
    (GraphItem(digital_twin=DigitalTwin(model_id=ROOM)), "INVALID_ARGUMENT", "digital_twin.id", ""),
    (GraphItem(digital_twin=DigitalTwin(id="x\n", model_id=ROOM)), "INVALID_ARGUMENT", "digital_twin.id", ""),
    (GraphItem(digital_twin=DigitalTwin(id="x")), "INVALID_ARGUMENT", "digital_twin.model_id", "digitaltwins/x"),
    (GraphItem(digital_twin=DigitalTwin(json=b"{}")), "INVALID_ARGUMENT", "digital_twin.json", ""),
    (GraphItem(digital_twin=DigitalTwin(json=b'{"$dtId": 1}')), "INVALID_ARGUMENT", "digital_twin.json", ""),
    (GraphItem(digital_twin=DigitalTwin(json=b"\xff")), "INVALID_ARGUMENT", "digital_twin.json", ""),
    (
        GraphItem(digital_twin=DigitalTwin(id="x", json=b"nothing")),
        "INVALID_ARGUMENT",
        "digital_twin.json",
        "digitaltwins/x",
    ),
    (
        GraphItem(digital_twin=DigitalTwin(id="x" * 200, model_id=FLOOR)),
        "INVALID_ARGUMENT",
        "digital_twin.id",
        "digitaltwins/" + "x" * 200,
    ),
    (
        GraphItem(
            digital_twin=DigitalTwin(id="x", model_id=FLOOR, properties={"level": Value(double_value=float("nan"))})
        ),
        "INVALID_ARGUMENT",
        'digital_twin.properties["level"]',
        "digitaltwins/x",
    ),
    (
        GraphItem(digital_twin=DigitalTwin(id="x", model_id=FLOOR, properties={"hue": Value(int_value=1)})),
        "VALIDATION_FAILED",
        'digital_twin.properties["hue"]',
        "digitaltwins/x",
    ),
    (GraphItem(relationship=Relationship(source_id="x")), "INVALID_ARGUMENT", "relationship.id", ""),
    (GraphItem(relationship=Relationship(id="r")), "INVALID_ARGUMENT", "relationship.source_id", ""),
    (
        GraphItem(relationship=Relationship(id="r", source_id="good", name="contains")),
        "INVALID_ARGUMENT",
        "relationship.target_id",
        "digitaltwins/good/relationships/r",
    ),
    (GraphItem(relationship=Relationship(json=b"{}")), "INVALID_ARGUMENT", "relationship.json", ""),
    (
        GraphItem(relationship=Relationship(id="r" * 200, source_id="good", name="contains", target_id="good")),
        "INVALID_ARGUMENT",
        "relationship.id",
        "digitaltwins/good/relationships/" + "r" * 200,
    ),
    (GraphItem(dtdl_model=""), "DTDL_INVALID", "dtdl_model", ""),
    (GraphItem(dtdl_model="[]"), "DTDL_INVALID", "dtdl_model", ""),
    (GraphItem(dtdl_model='{"@type": "Interface"}'), "DTDL_INVALID", "dtdl_model", ""),
    (GraphItem(dtdl_model='{"@id": "room"}'), "DTDL_INVALID", "dtdl_model", "models/room"),
]


@pytest.mark.parametrize(("bad", "why", "field", "resource"), BAD_ITEMS, ids=range(len(BAD_ITEMS)))
@pytest.mark.usefixtures("building")
async def test_a_bad_item_in_the_middle_fails_alone(
    channel: grpc.aio.Channel, bad: GraphItem, why: str, field: str, resource: str
):
    imported = await run_import(channel, items(floor("good"), bad, room("room"), contains("good", "room")))
    assert imported.counts == (0, 2, 1, 1)
    (failure,) = imported.failures.values()
    assert (failure.index, failure.resource, failure.etag) == (1, resource, "")
    assert (failure.status.code, reason(failure.status)) == (Code.INVALID_ARGUMENT, why)
    assert violations(failure.status) == [field]


@pytest.mark.usefixtures("building")
async def test_a_missing_twin_is_named_as_it_is_by_a_call_of_its_own(channel: grpc.aio.Channel):
    imported = await run_import(
        channel, items(floor("floor"), contains("floor", "nobody"), contains("nobody", "floor"))
    )
    failures = {index: failure.status for index, failure in imported.failures.items()}
    assert (failures[1].code, reason(failures[1])) == (Code.FAILED_PRECONDITION, "TARGET_TWIN_NOT_FOUND")
    assert (failures[2].code, reason(failures[2])) == (Code.NOT_FOUND, "TWIN_NOT_FOUND")


BAD_ROWS: list[tuple[str, Any, str, str]] = [
    ("Twins", b"{", "INVALID_ARGUMENT", "digital_twin"),
    ("Twins", b'{"$dtId": "\\ud800"}', "INVALID_ARGUMENT", "digital_twin"),
    ("Twins", b"\x00\xff", "INVALID_ARGUMENT", "digital_twin"),
    ("Twins", b"[" * 100_000, "INVALID_ARGUMENT", "digital_twin"),
    ("Twins", [1], "INVALID_ARGUMENT", "digital_twin"),
    ("Twins", {"$metadata": {"$model": ROOM}}, "INVALID_ARGUMENT", "digital_twin.id"),
    ("Twins", {"$dtId": None}, "INVALID_ARGUMENT", "digital_twin.id"),
    (
        "Twins",
        {"$dtId": "x", "$metadata": {"$model": FLOOR}, "hue": 1},
        "VALIDATION_FAILED",
        'digital_twin.properties["hue"]',
    ),
    ("Relationships", {"$dtId": "good"}, "INVALID_ARGUMENT", "relationship.id"),
    ("Relationships", {"$relationshipId": "r"}, "INVALID_ARGUMENT", "relationship.source_id"),
    (
        "Relationships",
        contains_row("good", "good", **{"$sourceId": "other"}),
        "INVALID_ARGUMENT",
        "relationship.source_id",
    ),
    ("Relationships", {"$dtId": "good", "$relationshipId": "r"}, "INVALID_ARGUMENT", "relationship.target_id"),
    ("Relationships", contains_row("good", "room", hue=1), "VALIDATION_FAILED", 'relationship.properties["hue"]'),
    ("Models", b"{", "DTDL_INVALID", "dtdl_model"),
    ("Models", {"@type": "Interface"}, "DTDL_INVALID", "dtdl_model"),
    ("Rooms", {"$dtId": "x"}, "INVALID_ARGUMENT", "chunk"),
    ("Twins", b'{"$dtId": "' + b"x" * (5 << 20) + b'"}', "INVALID_ARGUMENT", "chunk"),
]


@pytest.mark.parametrize(("section", "row", "why", "field"), BAD_ROWS, ids=range(len(BAD_ROWS)))
async def test_a_bad_row_in_the_middle_fails_alone(
    building: Building, channel: grpc.aio.Channel, section: str, row: Any, why: str, field: str
):
    await building.add_room("room")
    before = text({"Twins": [floor_row("good")]}) + b"\n" + text({section: [row]}, header=False)
    data = before + b"\n" + text({"Twins": [floor_row("other")]}, header=False)
    imported = await run_import(channel, *cut(data, 1 << 20))
    assert imported.counts[:3] == (0, 2, 0)
    failure = list(imported.failures.values())[-1]
    assert failure.line == before.count(b"\n") + 1
    assert (failure.status.code, reason(failure.status)) == (Code.INVALID_ARGUMENT, why)
    assert violations(failure.status) == [field]


@pytest.mark.parametrize(
    ("requests", "field"),
    [
        ([items(floor("x")), items(floor("y"), failures_only=True)], "options"),
        ([items(resume_from=-1)], "options.resume_from"),
        ([items(floor("x")), chunk(b"{}")], "chunk"),
        ([chunk(GRAPH), items(floor("x"))], "items"),
        ([ImportGraphRequest(items=[floor("x")], chunk=GRAPH)], "chunk"),
        ([chunk(b'{"$dtId": "x"}\n')], "chunk"),
        ([chunk(b'{"Section": "Header"}\n{"fileVersion": "2.0.0"}\n')], "chunk"),
    ],
)
async def test_a_stream_that_makes_no_sense_is_refused(
    channel: grpc.aio.Channel, requests: list[ImportGraphRequest], field: str
):
    assert await refused_field(run_import(channel, *requests)) == field


async def test_what_came_before_the_nonsense_is_written_and_answered(channel: grpc.aio.Channel):
    imported = Imported()
    call = GraphServiceStub(channel).ImportGraph(iter([items(*models(), floor("floor")), chunk(b"{}")]))
    assert await refused_field(collect(call, imported.messages)) == "chunk"
    assert (imported.counts, imported.progress.acknowledged_count) == ((4, 1, 0, 0), 5)
    assert (await twin(channel, "floor")).etag == imported.results[4].etag


@pytest.mark.usefixtures("building")
async def test_a_stream_that_broke_is_gone_on_with(channel: grpc.aio.Channel):
    rooms = [room(f"room-{number}") for number in range(10)]
    first = await run_import(channel, items(*rooms[:6]))
    acknowledged = first.progress.acknowledged_count
    again = await run_import(channel, items(*rooms[:3], resume_from=acknowledged), items(*rooms[3:]))
    assert (acknowledged, sorted(again.results), again.counts) == (6, [6, 7, 8, 9], (0, 4, 0, 0))
    assert again.progress.acknowledged_count == 10
    assert (await twin(channel, "room-0")).etag == first.results[0].etag


async def test_rows_count_the_same_when_a_text_is_gone_on_with(channel: grpc.aio.Channel):
    await run_import(channel, chunk(GRAPH))
    again = await run_import(channel, chunk(GRAPH, resume_from=5))
    assert {index: result.line for index, result in again.results.items()} == {5: 10, 6: 12}


@pytest.mark.usefixtures("building")
async def test_failures_alone_are_answered_on_demand(channel: grpc.aio.Channel):
    imported = await run_import(channel, items(floor("a"), GraphItem(), floor("b"), failures_only=True))
    assert (list(imported.results), imported.counts) == ([1], (0, 2, 0, 1))


async def test_all_results_of_a_large_import_come_in_messages_of_bounded_size(channel: grpc.aio.Channel):
    imported = Imported([message async for message in GraphServiceStub(channel).ImportGraph(many(3000))])
    assert (imported.counts, sorted(imported.results)) == ((4, 3000, 0, 0), list(range(3004)))
    assert max(len(message.results) for message in imported.messages) <= 500
    counts = [message.progress.acknowledged_count for message in imported.messages]
    assert counts == sorted(counts)


@pytest.mark.usefixtures("building")
async def test_a_dry_run_tells_what_would_be_and_writes_nothing(channel: grpc.aio.Channel):
    imported = await run_import(channel, items(floor("floor"), room("room", hue=1), validate_only=True))
    assert (list(imported.failures), imported.counts) == ([1], (0, 1, 0, 1))
    assert imported.results[0].etag == ""
    with pytest.raises(grpc.aio.AioRpcError):
        await twin(channel, "floor")
