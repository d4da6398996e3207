"""Watches from now on: what is written is told, once and in order."""

import json

import grpc
import grpc.aio
import pytest

from twinfront.v1 import change_service_pb2 as messages
from twinfront.v1.change_service_pb2_grpc import ChangeServiceStub
from twinfront.v1.json_patch_pb2 import JsonPatchOperation
from twinfront.v1.representation_pb2 import Representation

from ..services.building import FLOOR, ROOM, ROOM_2, add, interface, remove, replace, room
from .source import Source
from .watcher import told, watching
from .writer import Writer

CREATED, UPDATED, DELETED = "TWIN_CREATED", "TWIN_UPDATED", "TWIN_DELETED"
JSON = Representation.REPRESENTATION_JSON


async def test_every_write_to_a_twin_is_told_once_and_in_order(channel: grpc.aio.Channel, write: Writer):
    async with watching(channel) as watcher:
        await write.room("room", temperature=20.0)
        await write.patch("room", replace("/temperature", 21.0))
        await write.delete("room")
        assert await watcher.told(3) == [(CREATED, "room"), (UPDATED, "room"), (DELETED, "room")]


async def test_every_write_to_a_relationship_is_told_once_and_in_order(channel: grpc.aio.Channel, write: Writer):
    await write.rooms(["a", "b"])
    async with watching(channel) as watcher:
        await write.connect("a", "door", "b")
        await write.patch_relationship("a", "door", add("/weight", 2.0))
        await write.disconnect("a", "door")
        assert await watcher.told(3) == [
            ("RELATIONSHIP_CREATED", "a/door"),
            ("RELATIONSHIP_UPDATED", "a/door"),
            ("RELATIONSHIP_DELETED", "a/door"),
        ]


async def test_what_was_written_before_is_not_told(channel: grpc.aio.Channel, write: Writer):
    await write.room("before")
    async with watching(channel) as watcher:
        await write.room("after")
        assert await watcher.told(1) == [(CREATED, "after")]


async def test_a_created_twin_comes_as_it_was_created(channel: grpc.aio.Channel, write: Writer, source: Source):
    async with watching(channel) as watcher:
        etag = await write.room("room", temperature=20.0)
        change = await watcher.change()
    assert change.model_id == ROOM
    assert change.digital_twin.id == "room"
    assert change.digital_twin.properties["temperature"].double_value == 20.0
    assert change.digital_twin.components["thermostat"].properties["setpoint"].double_value == 20.0
    if source.tells_etags:
        assert change.etag == change.digital_twin.etag == etag


async def test_an_update_comes_as_a_patch(channel: grpc.aio.Channel, write: Writer, source: Source):
    await write.room("room", temperature=20.0, note="old")
    async with watching(channel) as watcher:
        etag = await write.patch("room", replace("/temperature", 21.5), remove("/note"))
        change = await watcher.change()
    assert [(each.op, each.path) for each in change.patch] == [
        (JsonPatchOperation.OP_REPLACE, "/temperature"),
        (JsonPatchOperation.OP_REMOVE, "/note"),
    ]
    assert change.patch[0].value.double_value == 21.5
    assert change.WhichOneof("resource") is None
    if source.tells_etags:
        assert change.etag == etag


async def test_the_patch_of_a_component_begins_with_its_name(channel: grpc.aio.Channel, write: Writer):
    await write.room("room")
    async with watching(channel) as watcher:
        await write.patch("room", replace("/thermostat/setpoint", 18.0))
        change = await watcher.change()
    assert [each.path for each in change.patch] == ["/thermostat/setpoint"]


async def test_a_deleted_twin_comes_as_it_was(channel: grpc.aio.Channel, write: Writer, source: Source):
    etag = await write.room("room", temperature=20.0)
    async with watching(channel) as watcher:
        await write.delete("room")
        change = await watcher.change()
    assert change.digital_twin.properties["temperature"].double_value == 20.0
    if source.tells_etags:
        assert change.etag == etag


async def test_a_created_relationship_comes_as_it_was_created(channel: grpc.aio.Channel, write: Writer, source: Source):
    await write.rooms(["a", "b"])
    async with watching(channel) as watcher:
        etag = await write.connect("a", "door", "b")
        change = await watcher.change()
    assert (change.relationship.source_id, change.relationship.target_id) == ("a", "b")
    assert (change.relationship.id, change.relationship.name) == ("door", "adjacentTo")
    assert change.model_id == (ROOM if source.tells_models_of_sources else "")
    if source.tells_etags:
        assert change.etag == etag


async def test_as_json_documents_and_values_come_as_the_service_writes_them(channel: grpc.aio.Channel, write: Writer):
    async with watching(channel, representation=JSON) as watcher:
        await write.room("room", temperature=20.0)
        await write.patch("room", replace("/temperature", 21.5))
        created, updated = await watcher.changes(2)
    document = json.loads(created.digital_twin.json)
    assert (document["$dtId"], document["temperature"]) == ("room", 20.0)
    assert updated.patch[0].value_json == b"21.5"
    assert not updated.patch[0].HasField("value")


async def test_the_resource_after_an_update_comes_if_it_is_wanted(channel: grpc.aio.Channel, write: Writer):
    await write.rooms(["a", "b"])
    await write.connect("a", "door", "b")
    async with watching(channel, content=messages.CHANGE_CONTENT_AFTER) as watcher:
        etag = await write.patch("a", add("/note", "new"))
        change = await watcher.change()
        assert (change.digital_twin.etag, change.digital_twin.properties["note"].string_value) == (etag, "new")
        etag = await write.patch_relationship("a", "door", add("/weight", 2.0))
        change = await watcher.change()
        assert (change.relationship.etag, change.relationship.properties["weight"].double_value) == (etag, 2.0)


async def test_an_updated_twin_that_is_gone_by_now_comes_without_resource(channel: grpc.aio.Channel, write: Writer):
    await write.room("room")
    await write.patch("room", add("/note", "new"))
    await write.delete("room")
    log = await ChangeServiceStub(channel).GetChangeLog(messages.GetChangeLogRequest())
    async with watching(
        channel, resume_token=log.oldest_token, content=messages.CHANGE_CONTENT_AFTER, filter={"kinds": [2]}
    ) as watcher:
        change = await watcher.change()
    assert told(change) == (UPDATED, "room")
    assert change.WhichOneof("resource") is None


async def test_changes_have_the_time_of_the_write(channel: grpc.aio.Channel, write: Writer):
    async with watching(channel) as watcher:
        await write.room("room")
        change = await watcher.change()
    twin = await write.building.read("room")
    assert change.time == twin.last_update_time


async def test_each_change_has_an_id_of_its_own_which_is_the_same_for_all(channel: grpc.aio.Channel, write: Writer):
    async with watching(channel) as one, watching(channel) as other:
        await write.rooms(["a", "b"])
        ids = [change.id for change in await one.changes(2)]
        assert [change.id for change in await other.changes(2)] == ids
    assert len(set(ids)) == 2


async def test_telemetry_comes_to_those_who_name_it(channel: grpc.aio.Channel, write: Writer):
    await write.room("room")
    kinds = [messages.CHANGE_KIND_TELEMETRY, messages.CHANGE_KIND_TWIN_UPDATED]
    async with watching(channel) as without, watching(channel, filter={"kinds": kinds}) as watcher:
        await write.publish("room", {"level": 3.5})
        await write.publish("room", "on", component="thermostat")
        await write.patch("room", add("/note", "new"))
        of_twin, of_component, _ = await watcher.changes(3)
        assert await without.told(1) == [(UPDATED, "room")]
    assert told(of_twin) == ("TELEMETRY", "room")
    assert (of_twin.component_name, of_component.component_name) == ("", "thermostat")
    assert of_twin.telemetry.object_value.fields["level"].double_value == 3.5
    assert of_component.telemetry.string_value == "on"


async def test_telemetry_comes_as_json_if_that_is_wanted(channel: grpc.aio.Channel, write: Writer):
    await write.room("room")
    kinds = [messages.CHANGE_KIND_TELEMETRY]
    async with watching(channel, filter={"kinds": kinds}, representation=JSON) as watcher:
        await write.publish("room", {"level": 3.5})
        change = await watcher.change()
    assert json.loads(change.telemetry_json) == {"level": 3.5}


@pytest.mark.source_that(tells_models=True)
async def test_models_are_told_of_where_the_source_does(channel: grpc.aio.Channel, write: Writer):
    lift = "dtmi:example:building:Lift;1"
    async with watching(channel) as watcher:
        await write.upload(interface(lift, [], displayName="Lift"))
        await write.decommission(lift)
        await write.delete_model(lift)
        created, decommissioned, deleted = await watcher.changes(3)
    assert [told(change) for change in (created, decommissioned, deleted)] == [
        ("MODEL_CREATED", lift),
        ("MODEL_DECOMMISSIONED", lift),
        ("MODEL_DELETED", lift),
    ]
    assert (created.model.id, dict(created.model.display_name), created.model.decommissioned) == (
        lift,
        {"en": "Lift"},
        False,
    )
    assert decommissioned.model.decommissioned
    assert deleted.model.id == lift


async def test_a_replaced_twin_is_an_update_from_the_old_one_to_the_new(channel: grpc.aio.Channel, write: Writer):
    await write.room("room", temperature=20.0)
    async with watching(channel) as watcher:
        await write.building.put(room(ROOM_2, temperature=22.0))
        change = await watcher.change()
    assert (told(change), change.model_id) == ((UPDATED, "room"), ROOM_2)
    assert {each.path: each.value.WhichOneof("kind") for each in change.patch} == {
        "/$metadata/$model": "string_value",
        "/temperature": "double_value",
    }


async def test_nothing_but_checkpoints_comes_while_nothing_changes(channel: grpc.aio.Channel, write: Writer):
    await write.room("room")
    async with watching(channel, checkpoint_interval={"seconds": 1}) as watcher:
        assert (await watcher.next()).HasField("checkpoint")
        first = watcher.messages[-1].checkpoint.time.ToNanoseconds()
        assert (await watcher.next()).HasField("checkpoint")
        assert watcher.messages[-1].checkpoint.time.ToNanoseconds() >= first


async def test_a_watch_ends_when_its_caller_wants(channel: grpc.aio.Channel, write: Writer):
    call = ChangeServiceStub(channel).Watch(messages.WatchRequest())
    await anext(aiter(call))
    call.cancel()
    await write.room("room")
    assert await call.code() is grpc.StatusCode.CANCELLED


async def test_floors_and_rooms_are_told_of_together(channel: grpc.aio.Channel, write: Writer, source: Source):
    async with watching(channel) as watcher:
        await write.building.add_floor("floor")
        await write.room("room")
        await write.connect("floor", "contains-room", "room", "contains")
        changes = await watcher.changes(3)
    assert [change.model_id for change in changes] == [FLOOR, ROOM, FLOOR if source.tells_models_of_sources else ""]
