"""Update a digital twin's model."""

from typing import Any

import pytest

from twinfront import (
    AsyncTwinfrontClient,
    DigitalTwin,
    InvalidArgumentError,
    ModelDecommissionedError,
    ValidationFailedError,
    patch,
)

from .conftest import Sample
from .models import MODELS, ROOM, ROOM_WITH_THERMOSTAT, interface, plain

SMALLER = interface("Cell", plain("temperature"))


@pytest.fixture
async def room(client: AsyncTwinfrontClient) -> DigitalTwin:
    await client.create_models([*MODELS, SMALLER])
    return await client.create_or_replace_digital_twin(
        "room-1", DigitalTwin(model_id=ROOM["@id"], properties={"temperature": 20, "humidity": 40})
    )


async def test_a_twin_that_fits_is_migrated_by_the_model_alone(client: AsyncTwinfrontClient, room: DigitalTwin):
    await client.update_digital_twin(room.id, patch().remove("/humidity"))
    await client.update_digital_twin("room-1", patch().migrate(SMALLER["@id"]))
    twin = await client.get_digital_twin("room-1")
    assert (twin.model_id, twin.properties) == (SMALLER["@id"], {"temperature": 20})


async def test_a_twin_that_does_not_fit_stays_as_it_is(client: AsyncTwinfrontClient, room: DigitalTwin):
    with pytest.raises(ValidationFailedError, match="humidity"):
        await client.update_digital_twin("room-1", patch().migrate(SMALLER["@id"]))
    assert await client.get_digital_twin("room-1") == room


async def test_what_the_new_model_requires_comes_in_the_same_patch(client: AsyncTwinfrontClient, room: DigitalTwin):
    with pytest.raises(ValidationFailedError, match="thermostat"):
        await client.update_digital_twin(room.id, patch().migrate(ROOM_WITH_THERMOSTAT["@id"]))
    await client.update_digital_twin(
        "room-1",
        patch().migrate(ROOM_WITH_THERMOSTAT["@id"]).add("/thermostat", {"setpoint": 21, "$metadata": {}}),
    )
    twin = await client.get_digital_twin("room-1")
    assert twin.model_id == ROOM_WITH_THERMOSTAT["@id"]
    assert twin.components["thermostat"]["setpoint"] == 21


async def test_what_the_new_model_does_not_have_goes_in_the_same_patch(client: AsyncTwinfrontClient, room: DigitalTwin):
    await client.update_digital_twin(room.id, patch().remove("/humidity").migrate(SMALLER["@id"]))
    assert (await client.get_digital_twin("room-1")).properties == {"temperature": 20}


async def test_a_model_that_does_not_exist_is_refused(client: AsyncTwinfrontClient, room: DigitalTwin):
    with pytest.raises(InvalidArgumentError):
        await client.update_digital_twin("room-1", patch().migrate("dtmi:twinfront:page:Nothing;1"))
    assert (await client.get_digital_twin("room-1")).etag == room.etag


async def test_a_decommissioned_model_takes_no_new_twins(client: AsyncTwinfrontClient, room: DigitalTwin):
    await client.decommission_model(ROOM["@id"])
    assert (await client.get_model(ROOM["@id"])).decommissioned
    with pytest.raises(ModelDecommissionedError):
        await client.create_or_replace_digital_twin("room-2", DigitalTwin(model_id=ROOM["@id"]))
    await client.update_digital_twin(room.id, patch().replace("/temperature", 21))


async def test_the_documentations_first_patch_succeeds_if_the_twin_conforms(
    client: AsyncTwinfrontClient, sample: Sample
):
    foo = interface("Foo", plain("mass")) | {"@id": "dtmi:example:foo;1"}
    bar = interface("Bar", plain("mass"), plain("colour", "string"))
    await client.create_models([foo, bar])
    properties: dict[str, Any]
    for twin_id, properties in (("fits", {"mass": 1.0}), ("does-not", {"mass": 1.0, "colour": "red"})):
        twin = DigitalTwin(model_id=bar["@id"], properties=properties)
        await client.create_or_replace_digital_twin(twin_id, twin)
    await client.update_digital_twin("fits", sample("patch-model-1.json"))
    assert (await client.get_digital_twin("fits")).model_id == "dtmi:example:foo;1"
    with pytest.raises(ValidationFailedError, match="colour"):
        await client.update_digital_twin("does-not", sample("patch-model-1.json"))


async def test_the_documentations_second_patch_brings_model_and_temperature(
    client: AsyncTwinfrontClient, sample: Sample
):
    foo_old = interface("Old", plain("mass")) | {"@id": "dtmi:example:foo_old;1"}
    foo_new = interface("New", plain("mass"), plain("temperature")) | {"@id": "dtmi:example:foo_new;1"}
    await client.create_models([foo_old, foo_new])
    await client.create_or_replace_digital_twin(
        "a", DigitalTwin(model_id="dtmi:example:foo_old;1", properties={"mass": 5})
    )
    with pytest.raises(ValidationFailedError):
        await client.update_digital_twin("a", sample("patch-model-2.json")[1:])
    await client.update_digital_twin("a", sample("patch-model-2.json"))
    twin = await client.get_digital_twin("a")
    assert (twin.model_id, twin.properties) == ("dtmi:example:foo_new;1", {"mass": 5, "temperature": 60})


async def test_the_documentations_decommissioning_is_what_the_rpc_does(client: AsyncTwinfrontClient, sample: Sample):
    await client.create_models([ROOM])
    [operation] = sample("patch-decommission-model.json")
    assert operation["path"] == "/decommissioned"
    await client.decommission_model(ROOM["@id"])
    assert (await client.get_model(ROOM["@id"])).decommissioned is operation["value"]
