"""Runnable digital twin code sample: create a twin, update its details, relate it, delete it."""

from typing import Any

import pytest

from twinfront import AsyncTwinfrontClient, DigitalTwin, Relationship, TwinNotFoundError, patch

from .conftest import Sample
from .models import interface, plain, relationship

ROOM = interface("SampleRoom", plain("Temperature"), plain("HumidityLevel"), relationship("contains"))


async def _run(client: AsyncTwinfrontClient, room: dict[str, Any]) -> None:
    await client.create_models([room])
    initial = DigitalTwin(model_id=room["@id"], properties={"Temperature": 25.0, "HumidityLevel": 50.0})
    await client.create_or_replace_digital_twin("my-room", initial)
    await client.create_or_replace_digital_twin("my-shelf", DigitalTwin(model_id=room["@id"]))
    assert (await client.get_digital_twin("my-room")).properties == initial.properties

    await client.update_digital_twin("my-room", patch().add("/Temperature", 26.5).replace("/HumidityLevel", 48))
    assert (await client.get_digital_twin("my-room")).properties == {"Temperature": 26.5, "HumidityLevel": 48}

    await client.create_or_replace_relationship(
        "my-room", "my-room-my-shelf", Relationship(name="contains", target_id="my-shelf")
    )
    for twin_id in ("my-room", "my-shelf"):
        async for outgoing in client.list_relationships(twin_id):
            await client.delete_relationship(twin_id, outgoing.id)
        async for incoming in client.list_incoming_relationships(twin_id):
            await client.delete_relationship(incoming.source_id, incoming.relationship_id)
        await client.delete_digital_twin(twin_id)
        with pytest.raises(TwinNotFoundError):
            await client.get_digital_twin(twin_id)


async def test_the_sample_runs_on_a_room_of_our_own(client: AsyncTwinfrontClient):
    await _run(client, ROOM)


async def test_the_sample_runs_on_the_documentations_room(client: AsyncTwinfrontClient, sample: Sample):
    await _run(client, sample("Room.json"))
