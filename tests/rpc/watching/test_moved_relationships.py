"""Relationships that are replaced by others of the same id, which come into sight with another name, or leave it."""

import grpc.aio
import pytest

from twinfront.v1 import change_service_pb2 as messages
from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.digital_twin_service_pb2 import CreateOrReplaceDigitalTwinRequest

from ..services.building import interface
from .watcher import told, watching
from .writer import Writer

HALL = "dtmi:example:building:Hall;1"
_NAMES = [{"@type": "Relationship", "name": name} for name in ("near", "far", "behind")]


async def halls(write: Writer) -> None:
    await write.upload(interface(HALL, _NAMES))
    for each in ("a", "b", "c"):
        request = CreateOrReplaceDigitalTwinRequest(digital_twin_id=each, digital_twin=DigitalTwin(model_id=HALL))
        await write.building.twins.CreateOrReplaceDigitalTwin(request)


async def test_a_relationship_whose_name_comes_to_fit_is_told_as_created_as_it_is(
    channel: grpc.aio.Channel, write: Writer
):
    await halls(write)
    await write.connect("a", "door", "b", "far")
    async with watching(channel, filter={"relationship_names": ["near"]}) as watcher:
        etag = await write.connect("a", "door", "b", "near")
        change = await watcher.change()
    assert told(change) == ("RELATIONSHIP_CREATED", "a/door")
    assert (change.relationship.etag, change.relationship.name) == (etag, "near")


async def test_a_relationship_whose_name_no_longer_fits_is_told_as_deleted(channel: grpc.aio.Channel, write: Writer):
    await halls(write)
    await write.connect("a", "door", "b", "near")
    async with watching(channel, filter={"relationship_names": ["near"]}) as watcher:
        await write.connect("a", "door", "b", "far")
        change = await watcher.change()
    assert told(change) == ("RELATIONSHIP_DELETED", "a/door")
    assert (change.WhichOneof("resource"), change.etag, change.model_id) == (None, "", HALL)


@pytest.mark.source_that(tells_what_was_before=True)
async def test_a_relationship_whose_name_changes_and_fits_all_the_time_or_never_is_told_as_updated_or_not_at_all(
    channel: grpc.aio.Channel, write: Writer
):
    await halls(write)
    await write.connect("a", "door", "b", "near")
    await write.connect("b", "door", "c", "behind")
    async with watching(channel, filter={"relationship_names": ["near", "far"]}) as watcher:
        await write.connect("a", "door", "b", "far")
        await write.connect("b", "door", "c", "behind")
        await write.disconnect("a", "door")
        assert await watcher.told(2) == [("RELATIONSHIP_UPDATED", "a/door"), ("RELATIONSHIP_DELETED", "a/door")]


@pytest.mark.source_that(tells_what_was_before=True)
async def test_one_that_comes_into_sight_is_told_to_whoever_wants_no_updates(channel: grpc.aio.Channel, write: Writer):
    await halls(write)
    await write.connect("a", "door", "b", "far")
    kinds = [messages.CHANGE_KIND_RELATIONSHIP_CREATED, messages.CHANGE_KIND_RELATIONSHIP_DELETED]
    async with watching(channel, filter={"relationship_names": ["near"], "kinds": kinds}) as watcher:
        await write.connect("a", "door", "b", "near")
        await write.connect("a", "door", "c", "near")
        await write.connect("a", "door", "c", "far")
        assert await watcher.told(2) == [("RELATIONSHIP_CREATED", "a/door"), ("RELATIONSHIP_DELETED", "a/door")]


@pytest.mark.source_that(tells_what_was_before=True)
async def test_without_names_a_relationship_with_another_name_and_target_is_told_as_updated(
    channel: grpc.aio.Channel, write: Writer
):
    await halls(write)
    await write.connect("a", "door", "b", "near")
    async with watching(channel) as watcher:
        await write.connect("a", "door", "c", "far")
        change = await watcher.change()
    assert told(change) == ("RELATIONSHIP_UPDATED", "a/door")
    assert {each.path for each in change.patch} == {"/$targetId", "/$relationshipName"}
