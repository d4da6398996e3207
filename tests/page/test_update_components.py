"""Update sub-properties in digital twin components."""

import pytest

from twinfront import (
    AsyncTwinfrontClient,
    Component,
    ComponentNotFoundError,
    DigitalTwin,
    JsonPatchInvalidError,
    patch,
)

from .conftest import Sample
from .models import MODELS, ROOM_WITH_THERMOSTAT, component, interface, plain


@pytest.fixture
async def room(client: AsyncTwinfrontClient) -> DigitalTwin:
    await client.create_models(MODELS)
    return await client.create_or_replace_digital_twin(
        "room-1",
        DigitalTwin(
            model_id=ROOM_WITH_THERMOSTAT["@id"],
            properties={"temperature": 20},
            components={"thermostat": Component({"setpoint": 20})},
        ),
    )


async def test_the_path_leads_through_the_component(client: AsyncTwinfrontClient, room: DigitalTwin):
    await client.update_digital_twin(room.id, patch().replace("/thermostat/setpoint", 21.5))
    twin = await client.get_digital_twin("room-1")
    assert twin.components["thermostat"].properties == {"setpoint": 21.5}
    assert twin.properties == {"temperature": 20}


async def test_one_patch_reaches_twin_and_component(client: AsyncTwinfrontClient, room: DigitalTwin):
    changes = patch().replace("/temperature", 22).add("/thermostat/mode", "cooling")
    await client.update_digital_twin(room.id, changes)
    twin = await client.get_digital_twin("room-1")
    assert twin["temperature"] == 22
    assert twin.components["thermostat"]["mode"] == "cooling"


async def test_a_component_is_patched_on_its_own_with_paths_that_start_at_it(
    client: AsyncTwinfrontClient, room: DigitalTwin
):
    etag = await client.update_component("room-1", "thermostat", patch().replace("/setpoint", 23))
    thermostat = await client.get_component("room-1", "thermostat")
    assert thermostat["setpoint"] == 23
    assert thermostat.etag == etag != room.etag


async def test_a_property_of_the_component_that_was_not_set_cannot_be_replaced(
    client: AsyncTwinfrontClient, room: DigitalTwin
):
    with pytest.raises(JsonPatchInvalidError):
        await client.update_digital_twin(room.id, patch().replace("/thermostat/mode", "cooling"))


async def test_a_component_that_the_model_does_not_have_is_not_found(client: AsyncTwinfrontClient, room: DigitalTwin):
    with pytest.raises(ComponentNotFoundError):
        await client.get_component(room.id, "fan")


async def test_the_documentations_patch_reaches_mass_in_mycomponentname(client: AsyncTwinfrontClient, sample: Sample):
    part = interface("Part", plain("mass"))
    whole = interface("Whole", component("mycomponentname", part["@id"]))
    await client.create_models([part, whole])
    twin = DigitalTwin(model_id=whole["@id"], components={"mycomponentname": Component({"mass": 0.07})})
    await client.create_or_replace_digital_twin("a", twin)
    await client.update_digital_twin("a", sample("patch-component.json"))
    assert (await client.get_component("a", "mycomponentname")).properties == {"mass": 0.0799}
