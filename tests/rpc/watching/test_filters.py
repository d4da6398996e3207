"""Filters: what does not fit is not told, and what fits is."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc.aio
import pytest

from twinfront.v1.change_service_pb2 import GetChangeLogRequest
from twinfront.v1.change_service_pb2_grpc import ChangeServiceStub

from ..services.building import FLOOR, ROOM, ROOM_2, add, interface, remove, replace, room
from ..services.refusal import refused_field
from .source import Source
from .watcher import Told, watching
from .writer import Writer

CREATED, UPDATED, DELETED = "TWIN_CREATED", "TWIN_UPDATED", "TWIN_DELETED"
OFFICE = "dtmi:example:building:Office;1"
DESK = "dtmi:example:building:Desk;1"


async def fill(write: Writer) -> None:
    """Writes a bit of everything."""
    await write.rooms(["a-1", "a-2", "b-1"])
    await write.building.add_floor("floor")
    await write.connect("a-1", "door", "a-2")
    await write.connect("floor", "contains-a", "a-1", "contains")
    await write.patch("a-1", add("/note", "new"))
    await write.patch("b-1", add("/labels", {"x": "y"}))
    await write.disconnect("a-1", "door")
    await write.delete("b-1")


ALL: list[Told] = [
    (CREATED, "a-1"),
    (CREATED, "a-2"),
    (CREATED, "b-1"),
    (CREATED, "floor"),
    ("RELATIONSHIP_CREATED", "a-1/door"),
    ("RELATIONSHIP_CREATED", "floor/contains-a"),
    (UPDATED, "a-1"),
    (UPDATED, "b-1"),
    ("RELATIONSHIP_DELETED", "a-1/door"),
    (DELETED, "b-1"),
]


@pytest.mark.parametrize(
    ("given", "fits"),
    [
        ({}, lambda _kind, _about: True),
        ({"digital_twin_ids": ["b-1"]}, lambda _kind, about: about == "b-1"),
        ({"digital_twin_ids": ["a-1", "nobody"]}, lambda _kind, about: about.partition("/")[0] == "a-1"),
        ({"digital_twin_id_prefixes": ["a-"]}, lambda _kind, about: about.startswith("a-")),
        (
            {"digital_twin_ids": ["b-1"], "digital_twin_id_prefixes": ["fl", "f", "zz"]},
            lambda _kind, about: about.startswith(("b-1", "floor")),
        ),
        ({"model_ids": [FLOOR]}, lambda _kind, about: about.startswith("floor")),
        ({"model_ids": [ROOM]}, lambda _kind, about: not about.startswith("floor")),
        ({"model_ids": [ROOM], "digital_twin_ids": ["floor"]}, lambda _kind, _about: False),
        ({"kinds": [3, 6]}, lambda kind, _about: kind.endswith("DELETED")),
        ({"kinds": [2], "digital_twin_id_prefixes": ["a"]}, lambda kind, about: (kind, about) == (UPDATED, "a-1")),
        ({"relationship_names": ["contains"]}, lambda _kind, about: about != "a-1/door"),
        ({"paths": ["/note"]}, lambda kind, about: (kind, about) != (UPDATED, "b-1")),
        ({"paths": ["/labels/x"]}, lambda kind, about: (kind, about) != (UPDATED, "a-1")),
    ],
)
async def test_what_fits_a_filter_is_told_and_nothing_else(
    channel: grpc.aio.Channel, write: Writer, given: dict[str, Any], fits: Callable[[str, str], bool]
):
    expected = [each for each in ALL if fits(*each)]
    log = await ChangeServiceStub(channel).GetChangeLog(GetChangeLogRequest())
    async with watching(channel, filter=given) as live:
        await fill(write)
        assert await live.told(len(expected)) == expected
    async with watching(channel, filter=given, resume_token=log.newest_token) as later:
        assert await later.told(len(expected)) == expected


@pytest.mark.parametrize(
    ("paths", "operation", "is_told"),
    [
        (["/temperature"], replace("/temperature", 1.0), True),
        (["/temperature"], add("/note", "x"), False),
        (["/temperature", "/note"], add("/note", "x"), True),
        (["/address"], replace("/address/city", "x"), True),
        (["/address/city"], replace("/address/city", "x"), True),
        (["/address/city"], replace("/address/number", 2), False),
        (["/address/city"], remove("/address"), True),
        (["/addr"], replace("/address/city", "x"), False),
        (["/thermostat"], replace("/thermostat/setpoint", 1.0), True),
        (["/thermostat/setpoint"], replace("/thermostat/setpoint", 1.0), True),
        (["/labels/a~1b"], add("/labels/a~1b", "x"), True),
        (["/labels/a"], add("/labels/a~1b", "x"), False),
    ],
)
async def test_a_path_stands_for_what_is_there_below_it_and_around_it(
    channel: grpc.aio.Channel, write: Writer, paths: list[str], operation: Any, is_told: bool
):
    properties = {"temperature": 20.0, "address": {"city": "A", "number": 1}, "labels": {"one": "1"}}
    await write.room("room", **properties)
    async with watching(channel, filter={"paths": paths}) as watcher:
        await write.patch("room", operation)
        await write.delete("room")
        expected = [(UPDATED, "room"), (DELETED, "room")]
        assert await watcher.told(1 + is_told) == expected[-1 - is_told :]


@pytest.fixture
async def offices(write: Writer) -> Writer:
    """Offices are rooms."""
    await write.upload(interface(OFFICE, [], extends=ROOM), interface(DESK, []))
    return write


def put(write: Writer, model_id: str, **properties: Any) -> Awaitable[Any]:
    return write.building.put(room(model_id, **properties))


async def test_a_model_stands_for_its_descendants(channel: grpc.aio.Channel, offices: Writer):
    async with watching(channel, filter={"model_ids": [ROOM]}) as watcher:
        await put(offices, OFFICE)
        await offices.patch("room", add("/note", "x"))
        await offices.delete("room")
        assert await watcher.told(3) == [(CREATED, "room"), (UPDATED, "room"), (DELETED, "room")]


async def test_a_twin_whose_model_comes_to_fit_is_told_as_created_with_what_starts_from_it(
    channel: grpc.aio.Channel, offices: Writer
):
    await put(offices, ROOM_2)
    await offices.room("other")
    await offices.connect("room", "door", "other")
    async with watching(channel, filter={"model_ids": [ROOM]}) as watcher:
        await put(offices, OFFICE, note="new")
        twin, relationship = await watcher.changes(2)
        assert (twin.kind, twin.digital_twin.id, twin.model_id) == (1, "room", OFFICE)
        assert twin.digital_twin.properties["note"].string_value == "new"
        assert (relationship.kind, relationship.digital_twin_id, relationship.relationship_id) == (4, "room", "door")
        assert relationship.relationship.target_id == "other"
        assert twin.id != relationship.id


async def test_a_twin_whose_model_no_longer_fits_is_told_as_deleted(channel: grpc.aio.Channel, offices: Writer):
    await put(offices, ROOM)
    async with watching(channel, filter={"model_ids": [ROOM]}) as watcher:
        await put(offices, ROOM_2)
        await offices.patch("room", add("/note", "x"))
        await put(offices, OFFICE)
        deleted, created = await watcher.changes(2)
    assert (deleted.kind, deleted.digital_twin_id, deleted.WhichOneof("resource")) == (3, "room", None)
    assert (created.kind, created.digital_twin.model_id) == (1, OFFICE)


async def test_a_twin_whose_model_changes_and_fits_all_the_time_is_told_as_updated(
    channel: grpc.aio.Channel, offices: Writer, source: Source
):
    await put(offices, ROOM)
    async with watching(channel, filter={"model_ids": [ROOM]}) as watcher:
        await put(offices, OFFICE)
        assert await watcher.told(1) == [(UPDATED if source.tells_what_was_before else CREATED, "room")]


async def test_a_deletion_is_told_of_a_twin_whose_model_is_gone_since(channel: grpc.aio.Channel, offices: Writer):
    suite = "dtmi:example:building:Suite;1"
    await offices.upload(interface(suite, [], extends=ROOM))
    async with watching(channel, filter={"model_ids": [ROOM]}) as watcher:
        await put(offices, suite)
        assert await watcher.told(1) == [(CREATED, "room")]
        token = watcher.token
    await offices.delete("room")
    await offices.delete_model(suite)
    async with watching(channel, resume_token=token, filter={"model_ids": [ROOM]}) as watcher:
        assert (await watcher.next()).changes.changes[0].kind == 3


@pytest.mark.source_that(tells_models=True)
async def test_a_model_filter_is_for_changes_of_models_too(channel: grpc.aio.Channel, write: Writer):
    async with watching(channel, filter={"model_ids": [ROOM]}) as watcher:
        await write.upload(interface(DESK, []), interface(OFFICE, [], extends=ROOM))
        assert await watcher.told(1) == [("MODEL_CREATED", OFFICE)]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"digital_twin_ids": ["x"] * 10_000}, "filter.digital_twin_ids"),
        ({"digital_twin_ids": ["a", ""]}, "filter.digital_twin_ids[1]"),
        ({"digital_twin_ids": ["x" * 5000]}, "filter.digital_twin_ids[0]"),
        ({"digital_twin_ids": ["a\0b"]}, "filter.digital_twin_ids[0]"),
        ({"digital_twin_id_prefixes": ["x"] * 1001}, "filter.digital_twin_id_prefixes"),
        ({"digital_twin_id_prefixes": [""]}, "filter.digital_twin_id_prefixes[0]"),
        ({"model_ids": [ROOM, "dtmi:example:Nothing;1"]}, "filter.model_ids[1]"),
        ({"model_ids": ["no dtmi"]}, "filter.model_ids[0]"),
        ({"model_ids": [ROOM] * 101}, "filter.model_ids"),
        ({"kinds": [0]}, "filter.kinds[0]"),
        ({"kinds": [1, 77]}, "filter.kinds[1]"),
        ({"kinds": [1] * 1000}, "filter.kinds"),
        ({"paths": ["temperature"]}, "filter.paths[0]"),
        ({"paths": ["/a", ""]}, "filter.paths[1]"),
        ({"paths": ["/a//b"]}, "filter.paths[0]"),
        ({"paths": ["/a~2"]}, "filter.paths[0]"),
        ({"paths": ["/rooms/*"]}, "filter.paths[0]"),
        ({"paths": ["/**/a"]}, "filter.paths[0]"),
        ({"paths": ["/" + "a" * 300_000]}, "filter.paths[0]"),
        ({"paths": ["/a"] * 101}, "filter.paths"),
        ({"relationship_names": ["x"] * 101}, "filter.relationship_names"),
        ({"relationship_names": [""]}, "filter.relationship_names[0]"),
    ],
)
@pytest.mark.usefixtures("write")
async def test_a_filter_that_makes_no_sense_is_refused_by_its_field(
    channel: grpc.aio.Channel, given: dict[str, Any], field: str
):
    async with watching(channel, filter=given, resume_token="") as watcher:
        assert await refused_field(watcher.next()) == field
