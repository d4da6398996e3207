"""Watches that begin with the state as it is: it and the changes behind it fit to each other, without a gap."""

import asyncio
import json
import random
from typing import Any

import grpc.aio
import pytest

from twinfront import AsyncTwinfrontClient
from twinfront.v1 import change_service_pb2 as messages
from twinfront.v1.representation_pb2 import Representation
from twinfront_server.watching import watch

from ..services.building import FLOOR, ROOM, add
from .copy_of_graph import GraphCopy, Key
from .watcher import told, watching
from .writer import Writer

TWINS, GRAPH = messages.INITIAL_STATE_TWINS, messages.INITIAL_STATE_GRAPH


@pytest.mark.source_that(is_exact=True)
async def test_the_twins_come_first_and_then_what_changes(channel: grpc.aio.Channel, write: Writer):
    await write.rooms(["b", "a", "c"])
    await write.connect("a", "door", "b")
    async with watching(channel, initial_state=TWINS) as watcher:
        assert await watcher.state() == (["a", "b", "c"], [])
        await write.room("d")
        assert await watcher.told(1) == [("TWIN_CREATED", "d")]


@pytest.mark.source_that(is_exact=True)
async def test_the_graph_comes_first_if_it_is_wanted(channel: grpc.aio.Channel, write: Writer):
    await write.rooms(["b", "a"])
    await write.connect("b", "door", "a")
    await write.connect("a", "way", "b")
    async with watching(channel, initial_state=GRAPH) as watcher:
        assert await watcher.state() == (["a", "b"], ["a/way", "b/door"])
        await write.disconnect("a", "way")
        assert await watcher.told(1) == [("RELATIONSHIP_DELETED", "a/way")]


async def test_an_empty_graph_has_a_state_too(channel: grpc.aio.Channel):
    async with watching(channel, initial_state=GRAPH) as watcher:
        assert await watcher.state() == ([], [])


async def test_items_of_the_state_are_whole(channel: grpc.aio.Channel, write: Writer):
    etag = await write.room("a", temperature=20.0)
    async with watching(channel, initial_state=TWINS) as watcher:
        message = await watcher.next()
    (twin,) = message.initial_items.digital_twins
    assert (twin.id, twin.etag, twin.model_id) == ("a", etag, ROOM)
    assert twin.properties["temperature"].double_value == 20.0


async def test_the_state_comes_as_json_if_that_is_wanted(channel: grpc.aio.Channel, write: Writer):
    await write.rooms(["a", "b"])
    await write.connect("a", "door", "b")
    as_json = Representation.REPRESENTATION_JSON
    async with watching(channel, initial_state=GRAPH, representation=as_json) as watcher:
        twins, relationships = await watcher.next(), await watcher.next()
    documents = [json.loads(twin.json) for twin in twins.initial_items.digital_twins]
    assert [document["$dtId"] for document in documents] == ["a", "b"]
    assert json.loads(relationships.initial_items.relationships[0].json)["$targetId"] == "b"


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ({"digital_twin_ids": ["a-2", "b-1", "c"]}, (["a-2", "b-1"], ["a-2/door"])),
        ({"digital_twin_id_prefixes": ["a-"]}, (["a-1", "a-2"], ["a-2/door"])),
        ({"model_ids": [FLOOR]}, (["floor"], ["floor/contains-b"])),
        ({"model_ids": [ROOM]}, (["a-1", "a-2", "b-1"], ["a-2/door"])),
        ({"relationship_names": ["contains"]}, (["a-1", "a-2", "b-1", "floor"], ["floor/contains-b"])),
        ({"kinds": [3]}, (["a-1", "a-2", "b-1", "floor"], ["a-2/door", "floor/contains-b"])),
    ],
)
async def test_what_fits_the_filter_comes_with_the_state(
    channel: grpc.aio.Channel, write: Writer, given: dict[str, Any], state: tuple[list[str], list[str]]
):
    await write.rooms(["a-1", "a-2", "b-1"])
    await write.building.add_floor("floor")
    await write.connect("a-2", "door", "a-1")
    await write.connect("floor", "contains-b", "b-1", "contains")
    async with watching(channel, initial_state=GRAPH, filter=given) as watcher:
        assert await watcher.state() == state


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "PAGE", 3)


@pytest.mark.usefixtures("small_pages")
@pytest.mark.source_that(is_exact=True)
async def test_a_state_that_is_broken_off_goes_on_where_it_was(channel: grpc.aio.Channel, write: Writer):
    ids = [f"room-{number:02}" for number in range(20)]
    await write.rooms(ids)
    copy, token = GraphCopy(), ""
    while not copy.is_whole:
        async with watching(channel, initial_state=GRAPH, resume_token=token) as watcher:
            copy.apply(await watcher.next())
            token = watcher.token
    assert sorted(key for key, _ in copy.etags) == ids


async def scribble(write: Writer, seed: int, count: int) -> None:
    """Writes at random to ten twins and what is between them."""
    dice = random.Random(seed)
    ids = [f"room-{number}" for number in range(10)]
    for _ in range(count):
        one, other = dice.sample(ids, 2)
        try:
            match dice.randrange(6):
                case 0 | 1:
                    await write.room(one, visits=dice.randrange(1000))
                case 2:
                    await write.patch(one, add("/visits", dice.randrange(1000)))
                case 3:
                    await write.connect(one, f"to-{other}", other)
                case 4:
                    await write.disconnect(one, f"to-{other}")
                case 5:
                    await write.delete(one)
        except grpc.aio.AioRpcError as error:
            if error.code() not in {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION}:
                raise


async def graph(channel: grpc.aio.Channel) -> dict[Key, str]:
    """Reads the etags of all there is."""
    client = AsyncTwinfrontClient.from_channel(channel)
    twins = [row async for row in client.query("SELECT * FROM digitaltwins")]
    relationships = [row async for row in client.query("SELECT * FROM relationships")]
    return {(twin["$dtId"], ""): twin["$etag"] for twin in twins} | {
        (each["$sourceId"], each["$relationshipId"]): each["$etag"] for each in relationships
    }


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.source_that(is_exact=True)
async def test_a_copy_is_made_of_state_and_changes_while_others_write_and_streams_break(
    channel: grpc.aio.Channel, write: Writer, seed: int
):
    dice = random.Random(seed)
    await scribble(write, seed, 60)
    writing = asyncio.create_task(scribble(write, seed + 100, 250))
    copy, token, is_at_rest = GraphCopy(), "", False
    while not is_at_rest:
        request = {"initial_state": GRAPH, "resume_token": token, "checkpoint_interval": {"seconds": 1}}
        async with watching(channel, **request) as watcher:
            for _ in range(dice.randrange(1, 12)):
                was_done = writing.done()
                copy.apply(await watcher.next())
                is_at_rest = was_done and copy.is_whole and watcher.messages[-1].HasField("checkpoint")
                if is_at_rest:
                    break
                await asyncio.sleep(dice.choice([0, 0, 0.01]))
            token = watcher.token
    await writing
    assert copy.etags == await graph(channel)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.source_that(is_exact=False)
async def test_a_copy_in_which_the_last_word_counts_is_right_where_changes_in_the_state_come_again(
    channel: grpc.aio.Channel, write: Writer, seed: int
):
    await scribble(write, seed, 60)
    writing = asyncio.create_task(scribble(write, seed + 100, 120))
    copy: set[tuple[str, str]] = set()
    async with watching(channel, initial_state=GRAPH, checkpoint_interval={"seconds": 1}) as watcher:
        is_whole, quiet = False, 0
        while not is_whole or quiet < 2:  # an event may still be on its way when the first checkpoint comes
            was_done = writing.done()
            message = await watcher.next()
            copy |= {(twin.id, "") for twin in message.initial_items.digital_twins}
            copy |= {(each.source_id, each.id) for each in message.initial_items.relationships}
            for change in message.changes.changes:
                key = (change.digital_twin_id, change.relationship_id)
                (copy.discard if told(change)[0].endswith("_DELETED") else copy.add)(key)
            is_whole |= message.HasField("initial_state_end")
            quiet = quiet + 1 if was_done and message.HasField("checkpoint") else 0
    await writing
    assert copy == (await graph(channel)).keys()
