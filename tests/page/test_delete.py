"""Delete a digital twin."""

import pytest

from twinfront import (
    AsyncTwinfrontClient,
    DigitalTwin,
    EtagMismatchError,
    Relationship,
    TwinHasRelationshipsError,
    TwinNotFoundError,
    patch,
)

from .conftest import Sample
from .models import MODELS, ROOM


@pytest.fixture
async def rooms(client: AsyncTwinfrontClient) -> list[str]:
    await client.create_models(MODELS)
    ids = ["room-1", "room-2", "room-3"]
    for twin_id in ids:
        await client.create_or_replace_digital_twin(twin_id, DigitalTwin(model_id=ROOM["@id"]))
    return ids


async def _relate(client: AsyncTwinfrontClient, source: str, target: str, name: str = "adjacentTo") -> None:
    await client.create_or_replace_relationship(source, f"to-{target}", Relationship(name=name, target_id=target))


async def delete_twin(client: AsyncTwinfrontClient, twin_id: str) -> None:
    """In the order of the page's sample: outgoing relationships, incoming ones, the twin."""
    for outgoing in [entry async for entry in client.list_relationships(twin_id)]:
        await client.delete_relationship(twin_id, outgoing.id)
    for incoming in [entry async for entry in client.list_incoming_relationships(twin_id)]:
        await client.delete_relationship(incoming.source_id, incoming.relationship_id)
    await client.delete_digital_twin(twin_id)


async def test_a_twin_without_relationships_is_deleted(client: AsyncTwinfrontClient, rooms: list[str]):
    await client.delete_digital_twin(rooms[0])
    with pytest.raises(TwinNotFoundError):
        await client.get_digital_twin(rooms[0])


async def test_an_outgoing_relationship_blocks_and_is_named(client: AsyncTwinfrontClient, rooms: list[str]):
    await _relate(client, rooms[0], rooms[1])
    with pytest.raises(TwinHasRelationshipsError) as raised:
        await client.delete_digital_twin(rooms[0])
    [blocker] = raised.value.outgoing
    assert (blocker.source_id, blocker.name, blocker.target_id) == ("room-1", "adjacentTo", "room-2")
    assert raised.value.incoming == []
    assert (await client.get_digital_twin(rooms[0])).id == rooms[0]


async def test_an_incoming_relationship_blocks_and_is_named(client: AsyncTwinfrontClient, rooms: list[str]):
    await _relate(client, rooms[0], rooms[1])
    with pytest.raises(TwinHasRelationshipsError) as raised:
        await client.delete_digital_twin(rooms[1])
    [blocker] = raised.value.incoming
    assert (blocker.source_id, blocker.relationship_id) == ("room-1", "to-room-2")
    assert raised.value.outgoing == []


async def test_a_twin_is_deleted_once_its_relationships_are(client: AsyncTwinfrontClient, rooms: list[str]):
    await _relate(client, rooms[0], rooms[1])
    await _relate(client, rooms[2], rooms[0])
    await delete_twin(client, rooms[0])
    with pytest.raises(TwinNotFoundError):
        await client.get_digital_twin(rooms[0])
    assert [entry.id async for entry in client.list_relationships(rooms[2])] == []
    assert [entry.relationship_id async for entry in client.list_incoming_relationships(rooms[1])] == []


async def test_a_twin_that_changed_is_not_deleted_under_its_old_etag(client: AsyncTwinfrontClient, rooms: list[str]):
    before = await client.get_digital_twin(rooms[0])
    await client.update_digital_twin(rooms[0], patch().add("/visitors", 1))
    with pytest.raises(EtagMismatchError):
        await client.delete_digital_twin(rooms[0], if_match=before.etag)
    assert (await client.get_digital_twin(rooms[0]))["visitors"] == 1


async def test_deleting_twice_is_not_found(client: AsyncTwinfrontClient, rooms: list[str]):
    await client.delete_digital_twin(rooms[0])
    with pytest.raises(TwinNotFoundError):
        await client.delete_digital_twin(rooms[0])


async def test_all_twins_are_deleted_relationships_first(client: AsyncTwinfrontClient, rooms: list[str]):
    for source in rooms:
        for target in rooms:
            if source != target:
                await _relate(client, source, target)
    for twin_id in rooms:
        await delete_twin(client, twin_id)
    for twin_id in rooms:
        with pytest.raises(TwinNotFoundError):
            await client.get_digital_twin(twin_id)


async def test_a_room_of_the_documentation_that_contains_another_is_deleted_in_the_pages_order(
    client: AsyncTwinfrontClient, sample: Sample
):
    await client.create_models([sample("Room.json")])
    for twin_id in ("room-1", "room-2"):
        await client.create_or_replace_digital_twin(twin_id, DigitalTwin(model_id="dtmi:example:Room;2"))
    await _relate(client, "room-1", "room-2", "contains")
    with pytest.raises(TwinHasRelationshipsError):
        await client.delete_digital_twin("room-2")
    await delete_twin(client, "room-2")
    await delete_twin(client, "room-1")
