"""Update a property's sourceTime."""

from datetime import UTC, datetime

import pytest

from twinfront import (
    AsyncTwinfrontClient,
    Component,
    DigitalTwin,
    InvalidArgumentError,
    PropertyMetadata,
    Timestamp,
    ValidationFailedError,
    patch,
)

from .conftest import Sample
from .models import MODELS, ROOM_WITH_THERMOSTAT, interface, plain

OBSERVED = Timestamp("2026-02-11T18:47:53.7648958Z")


@pytest.fixture
async def room(client: AsyncTwinfrontClient) -> DigitalTwin:
    await client.create_models(MODELS)
    return await client.create_or_replace_digital_twin(
        "room-1",
        DigitalTwin(
            model_id=ROOM_WITH_THERMOSTAT["@id"],
            properties={"temperature": 20, "humidity": 40},
            components={"thermostat": Component({"setpoint": 20})},
        ),
    )


async def test_value_and_source_time_come_in_one_patch(client: AsyncTwinfrontClient, room: DigitalTwin):
    assert room.property_metadata["temperature"].source_time is None
    await client.update_digital_twin(
        "room-1", patch().replace("/temperature", 22.3).source_time("temperature", OBSERVED)
    )
    twin = await client.get_digital_twin("room-1")
    assert twin["temperature"] == 22.3
    assert twin.property_metadata["temperature"].source_time == OBSERVED
    assert twin.property_metadata["humidity"].source_time is None


async def test_the_source_time_stays_when_only_the_value_changes(client: AsyncTwinfrontClient, room: DigitalTwin):
    changes = patch().replace("/temperature", 22.3).source_time("temperature", OBSERVED)
    await client.update_digital_twin(room.id, changes)
    before = (await client.get_digital_twin("room-1")).property_metadata["temperature"]
    await client.update_digital_twin("room-1", patch().replace("/temperature", 23))
    after = (await client.get_digital_twin("room-1")).property_metadata["temperature"]
    assert after.source_time == before.source_time == OBSERVED
    assert after.last_update_time != before.last_update_time


async def test_the_source_time_can_be_given_at_creation(client: AsyncTwinfrontClient):
    await client.create_models(MODELS)
    await client.create_or_replace_digital_twin(
        "room-2",
        DigitalTwin(
            model_id=ROOM_WITH_THERMOSTAT["@id"],
            properties={"temperature": 20},
            components={"thermostat": Component()},
            property_metadata={"temperature": PropertyMetadata(source_time=OBSERVED)},
        ),
    )
    assert (await client.get_digital_twin("room-2")).property_metadata["temperature"].source_time == OBSERVED


async def test_a_datetime_is_as_good_as_text(client: AsyncTwinfrontClient, room: DigitalTwin):
    when = datetime(2026, 2, 11, 19, 47, 53, 764_895, tzinfo=UTC)
    await client.update_digital_twin(room.id, patch().source_time("temperature", when))
    written = (await client.get_digital_twin("room-1")).property_metadata["temperature"].source_time
    assert written is not None
    assert written.to_datetime() == when


@pytest.mark.parametrize("slash", ["/", ""])
async def test_a_components_source_time_has_the_component_first_with_or_without_a_slash(
    client: AsyncTwinfrontClient, room: DigitalTwin, slash: str
):
    path = f"{slash}thermostat/$metadata/setpoint/sourceTime"
    await client.update_digital_twin(room.id, [{"op": "replace", "path": path, "value": OBSERVED.text}])
    thermostat = await client.get_component("room-1", "thermostat")
    assert thermostat.property_metadata["setpoint"].source_time == OBSERVED


async def test_a_components_source_time_is_patched_in_the_component_too(
    client: AsyncTwinfrontClient, room: DigitalTwin
):
    await client.update_component(room.id, "thermostat", patch().source_time("setpoint", OBSERVED))
    twin = await client.get_digital_twin("room-1")
    assert twin.components["thermostat"].property_metadata["setpoint"].source_time == OBSERVED


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01T00:00:00Z", ""])
async def test_a_source_time_is_iso_8601(client: AsyncTwinfrontClient, room: DigitalTwin, text: str):
    with pytest.raises(InvalidArgumentError):
        await client.update_digital_twin("room-1", patch().source_time("temperature", text))
    assert (await client.get_digital_twin("room-1")).etag == room.etag


async def test_the_documentations_patch_writes_value_and_source_time(client: AsyncTwinfrontClient, sample: Sample):
    model = interface("Reading", plain("Temperature", "string"))
    await client.create_models([model])
    await client.create_or_replace_digital_twin(
        "a", DigitalTwin(model_id=model["@id"], properties={"Temperature": "20"})
    )
    await client.update_digital_twin("a", sample("patch-sourcetime.json"))
    twin = await client.get_digital_twin("a")
    assert twin["Temperature"] == "22.3"
    assert twin.property_metadata["Temperature"].source_time == Timestamp("2021-11-30T18:47:53.7648958Z")


async def test_the_documentations_patch_has_a_text_that_no_double_takes(client: AsyncTwinfrontClient, sample: Sample):
    await client.create_models([sample("Thermostat.json")])
    thermostat = DigitalTwin(model_id="dtmi:contosocom:DigitalTwins:Thermostat;1", properties={"Temperature": 20})
    await client.create_or_replace_digital_twin("a", thermostat)
    with pytest.raises(ValidationFailedError, match="Temperature"):
        await client.update_digital_twin("a", sample("patch-sourcetime.json"))
