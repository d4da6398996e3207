"""Update sub-properties in object-type properties."""

import pytest

from twinfront import AsyncTwinfrontClient, DigitalTwin, JsonPatchInvalidError, patch

from .conftest import Sample
from .models import MODELS, ROOM, interface, plain


@pytest.fixture
async def room(client: AsyncTwinfrontClient) -> DigitalTwin:
    await client.create_models(MODELS)
    return await client.create_or_replace_digital_twin("room-1", DigitalTwin(model_id=ROOM["@id"]))


@pytest.mark.parametrize("op", ["add", "replace"])
async def test_there_is_no_path_into_an_object_that_was_never_set(
    client: AsyncTwinfrontClient, room: DigitalTwin, op: str
):
    with pytest.raises(JsonPatchInvalidError) as raised:
        await client.update_digital_twin("room-1", [{"op": op, "path": "/size/length", "value": 4}])
    assert [violation.field for violation in raised.value.field_violations] == ["patch[0].path"]
    assert (await client.get_digital_twin("room-1")).etag == room.etag


async def test_the_object_is_added_and_its_member_replaced_from_then_on(
    client: AsyncTwinfrontClient, room: DigitalTwin
):
    await client.update_digital_twin(room.id, patch().add("/size", {"width": 2, "length": 3}))
    await client.update_digital_twin("room-1", patch().replace("/size/length", 4))
    assert (await client.get_digital_twin("room-1"))["size"] == {"width": 2, "length": 4}


async def test_adding_an_object_and_replacing_its_member_fit_into_one_patch(
    client: AsyncTwinfrontClient, room: DigitalTwin
):
    await client.update_digital_twin(room.id, patch().add("/size", {"width": 2}).add("/size/length", 4))
    assert (await client.get_digital_twin("room-1"))["size"] == {"width": 2, "length": 4}


async def test_adding_the_object_again_drops_the_members_that_are_not_given(
    client: AsyncTwinfrontClient, room: DigitalTwin
):
    await client.update_digital_twin(room.id, patch().add("/size", {"width": 2, "length": 3}))
    await client.update_digital_twin("room-1", patch().add("/size", {"width": 5}))
    assert (await client.get_digital_twin("room-1"))["size"] == {"width": 5}


async def test_an_object_set_at_creation_has_paths_at_once(client: AsyncTwinfrontClient):
    await client.create_models(MODELS)
    await client.create_or_replace_digital_twin(
        "room-1", DigitalTwin(model_id=ROOM["@id"], properties={"size": {"length": 3}})
    )
    await client.update_digital_twin("room-1", patch().replace("/size/length", 4))
    assert (await client.get_digital_twin("room-1"))["size"] == {"length": 4}


async def test_the_documentations_patches_add_the_object_and_replace_its_member(
    client: AsyncTwinfrontClient, sample: Sample
):
    schema = {"@type": "Object", "fields": [{"name": "StringSubProperty", "schema": "string"}]}
    model = interface("WithObject", plain("ObjectProperty", schema))
    await client.create_models([model])
    await client.create_or_replace_digital_twin("a", DigitalTwin(model_id=model["@id"]))
    with pytest.raises(JsonPatchInvalidError):
        await client.update_digital_twin("a", sample("patch-object-sub-property-2.json"))
    await client.update_digital_twin("a", sample("patch-object-sub-property-1.json"))
    await client.update_digital_twin("a", patch().replace("/ObjectProperty/StringSubProperty", "other"))
    await client.update_digital_twin("a", sample("patch-object-sub-property-2.json"))
    assert (await client.get_digital_twin("a"))["ObjectProperty"] == {"StringSubProperty": "<string-value>"}
