"""Update a digital twin."""

from typing import Any

import pytest

from twinfront import AsyncTwinfrontClient, DigitalTwin, JsonPatchInvalidError, ValidationFailedError, patch

from .conftest import Sample
from .models import MODELS, ROOM

PROPERTIES = {"name": "Lobby", "temperature": 20.0, "humidity": 40.0, "visitors": 3}


@pytest.fixture
async def room(client: AsyncTwinfrontClient) -> DigitalTwin:
    await client.create_models(MODELS)
    return await client.create_or_replace_digital_twin(
        "room-1", DigitalTwin(model_id=ROOM["@id"], properties=PROPERTIES)
    )


async def test_one_patch_replaces_several_properties(client: AsyncTwinfrontClient, room: DigitalTwin):
    etag = await client.update_digital_twin("room-1", patch().replace("/temperature", 21).replace("/humidity", 45))
    twin = await client.get_digital_twin("room-1")
    assert twin.properties == PROPERTIES | {"temperature": 21, "humidity": 45}
    assert twin.etag == etag != room.etag


async def test_one_patch_replaces_all_properties(client: AsyncTwinfrontClient, room: DigitalTwin):
    values = {"name": "Hall", "temperature": 1.5, "humidity": 2.5, "visitors": 0}
    changes = patch()
    for name, value in values.items():
        changes.replace(f"/{name}", value)
    await client.update_digital_twin(room.id, changes)
    assert (await client.get_digital_twin("room-1")).properties == values


async def test_only_what_the_patch_touches_gets_a_new_update_time(client: AsyncTwinfrontClient, room: DigitalTwin):
    await client.update_digital_twin("room-1", patch().replace("/temperature", 21))
    before, after = room.property_metadata, (await client.get_digital_twin("room-1")).property_metadata
    assert before["temperature"] != after["temperature"]
    assert before["humidity"] == after["humidity"]


async def test_what_was_not_set_is_added_and_what_was_set_can_be_removed(
    client: AsyncTwinfrontClient, room: DigitalTwin
):
    size = {"width": 2.0, "length": 3.0}
    await client.update_digital_twin(room.id, patch().add("/size", size).remove("/name"))
    twin = await client.get_digital_twin("room-1")
    assert twin["size"] == size
    assert "name" not in twin
    assert "name" not in twin.property_metadata


@pytest.mark.parametrize("op", ["replace", "remove"])
async def test_what_was_not_set_can_be_neither_replaced_nor_removed(
    client: AsyncTwinfrontClient, room: DigitalTwin, op: str
):
    operation: dict[str, Any] = {"op": op, "path": "/size"} | ({"value": {}} if op == "replace" else {})
    with pytest.raises(JsonPatchInvalidError) as raised:
        await client.update_digital_twin("room-1", [operation])
    assert [violation.field for violation in raised.value.field_violations] == ["patch[0].path"]
    assert (await client.get_digital_twin("room-1")).etag == room.etag


async def test_a_patch_is_applied_as_a_whole_or_not_at_all(client: AsyncTwinfrontClient, room: DigitalTwin):
    with pytest.raises(ValidationFailedError):
        await client.update_digital_twin("room-1", patch().replace("/humidity", 1).replace("/temperature", "warm"))
    twin = await client.get_digital_twin("room-1")
    assert (twin.properties, twin.etag) == (PROPERTIES, room.etag)


async def test_a_patch_changes_one_twin_only(client: AsyncTwinfrontClient, room: DigitalTwin):
    await client.create_or_replace_digital_twin("room-2", DigitalTwin(model_id=ROOM["@id"], properties=PROPERTIES))
    await client.update_digital_twin("room-2", patch().replace("/temperature", 21))
    assert (await client.get_digital_twin("room-1")).etag == room.etag


async def test_the_documentations_patch_replaces_mass_and_radius_of_a_moon(
    client: AsyncTwinfrontClient, sample: Sample
):
    await client.create_models([sample("Moon.json")])
    moon = DigitalTwin(model_id="dtmi:example:Moon;1", properties={"radius": 1737.1, "mass": 0.0734})
    await client.create_or_replace_digital_twin("my-moon", moon)
    await client.update_digital_twin("my-moon", sample("patch.json"))
    assert (await client.get_digital_twin("my-moon")).properties == {"radius": 0.8, "mass": 0.0799}
