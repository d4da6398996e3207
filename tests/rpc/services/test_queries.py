"""Queries: rows, pages, streams and what they were charged."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import orjson
import pytest
import pytest_asyncio

from twinfront.v1 import query_service_pb2 as queries
from twinfront.v1.model_service_pb2 import ListModelsRequest
from twinfront.v1.query_service_pb2_grpc import QueryServiceStub
from twinfront.v1.representation_pb2 import Representation, View
from twinfront_server.app import App
from twinfront_server.settings import Settings

from .building import ROOM, Building
from .refusal import fields, refused

if TYPE_CHECKING:
    from twinfront.v1.query_service_pb2_grpc import QueryServiceAsyncStub

Code = grpc.StatusCode
JSON = Representation.REPRESENTATION_JSON
ALL = "SELECT * FROM digitaltwins"
ROOMS = 230


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> "QueryServiceAsyncStub":
    asynchronous: QueryServiceAsyncStub = QueryServiceStub(channel)
    return asynchronous


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stored_rooms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with rooms, written once."""
    folder = tmp_path_factory.mktemp("rooms") / "data"
    settings = Settings(listen="127.0.0.1:0", metrics_listen="none", data_dir=str(folder))
    async with App(settings) as app, grpc.aio.insecure_channel(str(app.address)) as channel:
        building = await Building.open(channel)
        await asyncio.gather(*(building.add_room(f"room-{number:03}", visits=number) for number in range(ROOMS)))
        await building.connect("room-000", "door", "room-001")
    return folder


@pytest.fixture
def data_dir(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A copy of the rooms for each test that asks for them."""
    if "rooms" not in request.fixturenames:
        return ":memory:"
    copy = shutil.copytree(request.getfixturevalue("stored_rooms"), tmp_path / "data")
    return str(copy)


@pytest.fixture
def rooms(channel: grpc.aio.Channel) -> Building:
    """Rooms with visits 0, 1, …, and a door between the first two."""
    return Building.at(channel)


async def ask(stub: "QueryServiceAsyncStub", query: str, **options: Any) -> queries.QueryTwinsResponse:
    answered: queries.QueryTwinsResponse = await stub.QueryTwins(queries.QueryTwinsRequest(query=query, **options))
    return answered


async def streamed(
    stub: "QueryServiceAsyncStub", query: str, **options: Any
) -> AsyncIterator[queries.StreamQueryTwinsResponse]:
    async for message in stub.StreamQueryTwins(queries.StreamQueryTwinsRequest(query=query, **options)):
        yield message


def ids(rows: Any) -> list[str]:
    return [row.digital_twin.id for row in rows]


async def test_a_row_that_is_a_twin_is_one(rooms: Building, stub: "QueryServiceAsyncStub"):
    [row] = (await ask(stub, f"{ALL} T WHERE T.$dtId = 'room-007'")).rows
    assert row.fields["$dtId"].string_value == "room-007"
    assert row.fields["visits"].int_value == 7
    assert row.digital_twin == await rooms.read("room-007")
    assert not row.HasField("relationship")
    assert row.json == b""


@pytest.mark.usefixtures("rooms")
@pytest.mark.parametrize(
    "members",
    [
        "T.$metadata AS [[$dtId]], T.$etag, T.$metadata",
        "T.$dtId, T.visits AS [[$etag]], T.$metadata",
        "T.$dtId, T.$etag, T.$dtId AS [[$metadata]]",
        (
            "T.visits AS [[$relationshipId]], T.$dtId AS [[$sourceId]], T.$dtId AS [[$targetId]], "
            "T.$dtId AS [[$relationshipName]]"
        ),
    ],
)
async def test_a_row_is_no_twin_and_no_relationship_for_its_names_alone(stub: "QueryServiceAsyncStub", members: str):
    [row] = (await ask(stub, f"SELECT {members} FROM digitaltwins T WHERE T.$dtId = 'room-007'")).rows
    assert not row.HasField("digital_twin")
    assert not row.HasField("relationship")
    assert len(row.fields) == members.count(",") + 1


@pytest.mark.usefixtures("rooms")
async def test_a_row_that_is_a_relationship_is_one(stub: "QueryServiceAsyncStub"):
    [row] = (await ask(stub, "SELECT * FROM relationships")).rows
    assert (row.relationship.id, row.relationship.source_id, row.relationship.target_id, row.relationship.name) == (
        "door",
        "room-000",
        "room-001",
        "adjacentTo",
    )
    assert row.fields["$sourceId"].string_value == "room-000"
    assert not row.HasField("digital_twin")


@pytest.mark.usefixtures("rooms")
async def test_columns_are_fields(stub: "QueryServiceAsyncStub"):
    query = (
        "SELECT T.$dtId, T.visits AS calls, Next FROM digitaltwins T JOIN Next RELATED T.adjacentTo "
        "WHERE T.$dtId = 'room-000'"
    )
    [row] = (await ask(stub, query)).rows
    assert row.fields["$dtId"].string_value == "room-000"
    assert row.fields["calls"].int_value == 0
    assert row.fields["Next"].object_value.fields["$dtId"].string_value == "room-001"
    assert not row.HasField("digital_twin")


@pytest.mark.usefixtures("rooms")
async def test_a_count_is_a_field(stub: "QueryServiceAsyncStub"):
    [row] = (await ask(stub, "SELECT COUNT() FROM digitaltwins")).rows
    assert dict(row.fields.items())["COUNT"].int_value == ROOMS


async def test_integers_of_64_bits_are_kept(building: Building, stub: "QueryServiceAsyncStub"):
    await building.add_room("room", visits=2**63 - 1)
    [row] = (await ask(stub, "SELECT T.visits FROM digitaltwins T")).rows
    assert row.fields["visits"].int_value == 2**63 - 1


async def test_json_is_the_services_own(rooms: Building, stub: "QueryServiceAsyncStub"):
    [row] = (await ask(stub, f"{ALL} T WHERE T.$dtId = 'room-007'", representation=JSON)).rows
    assert orjson.loads(row.json) == await rooms.read_json("room-007")
    assert not row.fields


@pytest.mark.usefixtures("rooms")
@pytest.mark.parametrize("representation", [Representation.REPRESENTATION_TYPED, JSON])
async def test_the_basic_view_has_no_metadata_of_properties(
    stub: "QueryServiceAsyncStub", representation: "Representation.ValueType"
):
    query = f"{ALL} T WHERE T.$dtId = 'room-007'"
    [row] = (await ask(stub, query, representation=representation, view=View.VIEW_BASIC)).rows
    if representation == JSON:
        assert orjson.loads(row.json)["$metadata"].keys() == {"$model", "$lastUpdateTime"}
    else:
        assert not row.digital_twin.property_metadata
        assert row.digital_twin.model_id == ROOM


@pytest.mark.usefixtures("rooms")
@pytest.mark.parametrize("size", [0, 1, 7, 100, 1000, 5000])
async def test_pages_have_each_row_once(stub: "QueryServiceAsyncStub", size: int):
    query = ALL if size != 1 else f"{ALL} T WHERE T.visits < 5"
    wanted = min(size or 100, 1000)
    found: list[str] = []
    token = ""
    while True:
        page = await ask(stub, query, page_size=size, page_token=token)
        assert len(page.rows) <= wanted
        found += ids(page.rows)
        token = page.next_page_token
        if not token:
            break
        assert len(page.rows) == wanted
    assert sorted(found) == [f"room-{number:03}" for number in range(ROOMS if size != 1 else 5)]


@pytest.mark.usefixtures("rooms")
async def test_a_page_token_is_of_its_query(stub: "QueryServiceAsyncStub"):
    token = (await ask(stub, ALL, page_size=5)).next_page_token
    error = await refused(ask(stub, f"{ALL} T WHERE T.visits > 3", page_token=token))
    assert (error.reason, fields(error)) == ("PAGE_TOKEN_INVALID", ["page_token"])


@pytest.mark.usefixtures("building")
@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "QUERY_INVALID"),
        (" \n", "QUERY_INVALID"),
        ("SELECT", "QUERY_INVALID"),
        ("foo", "QUERY_INVALID"),
        ("SELECT * FROM rooms", "QUERY_INVALID"),
        (f"{ALL} T WHERE T.x = 'a", "QUERY_INVALID"),
        (f"{ALL} T WHERE T.$dtId IN [{', '.join(['1'] * 999)}]", "QUERY_INVALID"),
        (f"{ALL} T WHERE T.x = '{'x' * 9000}'", "QUERY_INVALID"),
        ("\0", "QUERY_INVALID"),
        ("(" * 5000, "QUERY_INVALID"),
    ],
)
async def test_what_is_no_query_is_refused(stub: "QueryServiceAsyncStub", query: str, reason: str):
    error = await refused(ask(stub, query))
    assert (error.code, error.reason, fields(error)) == (Code.INVALID_ARGUMENT, reason, ["query"])
    assert "aka.ms" not in error.message
    error = await refused(anext(streamed(stub, query)))
    assert (error.reason, fields(error)) == (reason, ["query"])


@pytest.mark.usefixtures("building")
@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"page_size": -1}, "page_size"),
        ({"page_token": "made up"}, "page_token"),
        ({"representation": 9}, "representation"),
        ({"view": 9}, "view"),
    ],
)
async def test_what_is_wrong_is_named(stub: "QueryServiceAsyncStub", options: Any, field: str):
    assert fields(await refused(ask(stub, ALL, **options))) == [field]


@pytest.mark.usefixtures("rooms")
async def test_a_page_tells_what_it_was_charged(stub: "QueryServiceAsyncStub", server: App):
    call = stub.QueryTwins(queries.QueryTwinsRequest(query=ALL, page_size=50))
    page = await call
    trailers = {name: text for name, text in await call.trailing_metadata() or ()}  # noqa: C416  (no tuples)
    assert page.query_charge > 0
    assert float(trailers["twinfront-query-charge"]) == pytest.approx(page.query_charge)
    assert server.metrics.registry.get_sample_value("twinfront_query_charge_total") == pytest.approx(page.query_charge)


async def test_a_call_that_asks_no_query_has_no_charge(building: Building):
    call = building.models.ListModels(ListModelsRequest())
    trailers = dict(await call.trailing_metadata() or ())
    assert "twinfront-query-charge" not in trailers


@pytest.mark.usefixtures("rooms")
async def test_a_stream_has_each_row_once_in_messages_of_bounded_size(stub: "QueryServiceAsyncStub"):
    messages = [message async for message in streamed(stub, ALL)]
    found = [twin for message in messages for twin in ids(message.rows)]
    assert sorted(found) == [f"room-{number:03}" for number in range(ROOMS)]
    assert {0 < len(message.rows) <= 100 for message in messages} == {True}
    assert [bool(message.resume_token) for message in messages] == [True] * (len(messages) - 1) + [False]
    assert sum(message.query_charge for message in messages) > 0


async def add_large_rooms(building: Building) -> None:
    """Rooms of a megabyte altogether, which typed rows have twice."""
    labels = {str(key): "y" * 500 for key in range(40)}
    await asyncio.gather(*(building.add_room(f"room-{number}", note="x" * 4000, labels=labels) for number in range(40)))


async def test_large_rows_make_messages_of_few(building: Building, stub: "QueryServiceAsyncStub"):
    await add_large_rooms(building)
    messages = [message async for message in streamed(stub, ALL)]
    assert len(messages) > 2
    assert all(message.ByteSize() < 400_000 for message in messages)


@pytest.mark.usefixtures("building")
async def test_a_stream_without_rows_ends_with_its_charge(stub: "QueryServiceAsyncStub"):
    [message] = [message async for message in streamed(stub, ALL)]
    assert (len(message.rows), message.resume_token) == (0, "")


@pytest.mark.usefixtures("rooms")
async def test_a_stream_goes_on_from_any_message(stub: "QueryServiceAsyncStub"):
    whole = [message async for message in streamed(stub, ALL)]
    everything = [twin for message in whole for twin in ids(message.rows)]
    taken = 0
    for message in whole[:-1]:
        taken += len(message.rows)
        rest = [
            twin async for later in streamed(stub, ALL, resume_token=message.resume_token) for twin in ids(later.rows)
        ]
        assert rest == everything[taken:]


@pytest.mark.usefixtures("rooms")
async def test_a_resume_token_is_of_its_query(stub: "QueryServiceAsyncStub"):
    first = await anext(streamed(stub, ALL))
    error = await refused(anext(streamed(stub, f"{ALL} T", resume_token=first.resume_token)))
    assert (error.reason, fields(error)) == ("PAGE_TOKEN_INVALID", ["resume_token"])
    error = await refused(anext(streamed(stub, ALL, resume_token="made up")))
    assert fields(error) == ["resume_token"]


async def test_a_caller_who_leaves_ends_the_stream(building: Building, server: App):
    await add_large_rooms(building)
    # The stream is longer than what may be on its way: the window of this caller stays at the 64 KB of RFC 9113.
    async with grpc.aio.insecure_channel(str(server.address), [("grpc.http2.bdp_probe", 0)]) as narrow:
        call = QueryServiceStub(narrow).StreamQueryTwins(queries.StreamQueryTwinsRequest(query=ALL))
        await call.read()
        assert not server._chain.in_flight.is_idle
        call.cancel()
        await asyncio.wait_for(server._chain.in_flight.idle(), timeout=1)


@pytest.mark.usefixtures("rooms")
async def test_a_stream_ends_at_its_deadline(stub: "QueryServiceAsyncStub", server: App):
    call = stub.StreamQueryTwins(queries.StreamQueryTwinsRequest(query=ALL), timeout=0.001)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        async for _ in call:
            pass
    assert raised.value.code() is Code.DEADLINE_EXCEEDED
    await asyncio.wait_for(server._chain.in_flight.idle(), timeout=1)
