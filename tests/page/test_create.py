"""Create a digital twin."""

import json
from pathlib import Path
from typing import Any

import grpc.aio
import pytest

from twinfront import (
    AlreadyExistsError,
    AsyncTwinfrontClient,
    Component,
    DigitalTwin,
    DtdlInvalidError,
    InvalidArgumentError,
    Relationship,
    TwinNotFoundError,
    ValidationFailedError,
)
from twinfront.v1.digital_twin_pb2 import DigitalTwin as DigitalTwinMessage
from twinfront.v1.digital_twin_service_pb2 import CreateOrReplaceDigitalTwinRequest, GetDigitalTwinRequest
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront.v1.value_pb2 import Value

from .conftest import Sample
from .models import MODELS, ROOM, ROOM_WITH_THERMOSTAT, interface, plain

MODEL_FILES = (
    "CelestialBody-Planet-Crater.json",
    "Moon.json",
    "PatientRoom.json",
    "Planet-Crater-Moon.json",
    "Planet-Moon.json",
    "Room.json",
    "SampleModel.json",
    "Thermostat.json",
    "coffeeMaker-coffeeMakerInterface-coffeeBar.json",
)


async def test_a_twin_has_the_id_model_and_initial_properties_it_was_given(client: AsyncTwinfrontClient):
    await client.create_models(MODELS)
    await client.create_or_replace_digital_twin(
        "room-1", DigitalTwin(model_id=ROOM["@id"], properties={"temperature": 25.5, "visitors": 3})
    )
    twin = await client.get_digital_twin("room-1")
    assert (twin.id, twin.model_id) == ("room-1", ROOM["@id"])
    assert twin.properties == {"temperature": 25.5, "visitors": 3}


async def test_a_twin_is_created_with_generated_stubs(client: AsyncTwinfrontClient, address: str):
    await client.create_models(MODELS)
    async with grpc.aio.insecure_channel(address) as channel:
        stub = DigitalTwinServiceStub(channel)
        twin = DigitalTwinMessage(
            model_id=ROOM["@id"], properties={"temperature": Value(double_value=25.5), "visitors": Value(int_value=3)}
        )
        created = await stub.CreateOrReplaceDigitalTwin(
            CreateOrReplaceDigitalTwinRequest(digital_twin_id="room-1", digital_twin=twin)
        )
        read = await stub.GetDigitalTwin(GetDigitalTwinRequest(digital_twin_id="room-1"))
    assert read.digital_twin.properties["temperature"].double_value == 25.5
    assert read.digital_twin.properties["visitors"].int_value == 3
    assert read.etag == created.etag


async def test_properties_do_not_show_until_they_are_set(client: AsyncTwinfrontClient):
    await client.create_models(MODELS)
    twin = await client.create_or_replace_digital_twin("room-1", DigitalTwin(model_id=ROOM["@id"]))
    assert twin.properties == {}
    assert twin.property_metadata == {}
    await client.update_digital_twin("room-1", [{"op": "add", "path": "/humidity", "value": 40}])
    twin = await client.get_digital_twin("room-1")
    assert twin.properties == {"humidity": 40}
    assert set(twin.property_metadata) == {"humidity"}


async def test_a_twin_without_a_component_of_its_model_is_not_created(client: AsyncTwinfrontClient):
    await client.create_models(MODELS)
    with pytest.raises(ValidationFailedError, match="thermostat"):
        await client.create_or_replace_digital_twin("room-1", DigitalTwin(model_id=ROOM_WITH_THERMOSTAT["@id"]))
    with pytest.raises(TwinNotFoundError):
        await client.get_digital_twin("room-1")


async def test_a_component_may_be_empty_but_has_to_be_there(client: AsyncTwinfrontClient):
    await client.create_models(MODELS)
    await client.create_or_replace_digital_twin(
        "room-1", DigitalTwin(model_id=ROOM_WITH_THERMOSTAT["@id"], components={"thermostat": Component()})
    )
    twin = await client.get_digital_twin("room-1")
    assert twin.components["thermostat"].properties == {}


async def test_a_component_may_have_initial_properties(client: AsyncTwinfrontClient):
    await client.create_models(MODELS)
    await client.create_or_replace_digital_twin(
        "room-1",
        DigitalTwin(model_id=ROOM_WITH_THERMOSTAT["@id"], components={"thermostat": Component({"setpoint": 21})}),
    )
    assert (await client.get_component("room-1", "thermostat"))["setpoint"] == 21


@pytest.mark.parametrize("written_id", ["", "room-1"])
async def test_the_id_inside_the_twin_may_be_empty_or_match(client: AsyncTwinfrontClient, written_id: str):
    await client.create_models(MODELS)
    twin = await client.create_or_replace_digital_twin("room-1", DigitalTwin(id=written_id, model_id=ROOM["@id"]))
    assert twin.id == "room-1"


async def test_another_id_inside_the_twin_is_refused(client: AsyncTwinfrontClient):
    await client.create_models(MODELS)
    with pytest.raises(InvalidArgumentError) as raised:
        await client.create_or_replace_digital_twin("room-1", DigitalTwin(id="room-2", model_id=ROOM["@id"]))
    assert [violation.field for violation in raised.value.field_violations] == ["digital_twin.json"]
    with pytest.raises(TwinNotFoundError):
        await client.get_digital_twin("room-1")


async def test_another_id_inside_a_typed_twin_is_refused_by_its_field(client: AsyncTwinfrontClient, address: str):
    await client.create_models(MODELS)
    twin = DigitalTwinMessage(id="room-2", model_id=ROOM["@id"])
    async with grpc.aio.insecure_channel(address) as channel:
        call = DigitalTwinServiceStub(channel).CreateOrReplaceDigitalTwin(
            CreateOrReplaceDigitalTwinRequest(digital_twin_id="room-1", digital_twin=twin)
        )
        with pytest.raises(grpc.aio.AioRpcError, match=r"digital_twin\.id") as raised:
            await call
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_creating_again_replaces_the_whole_twin(client: AsyncTwinfrontClient):
    await client.create_models(MODELS)
    await client.create_or_replace_digital_twin(
        "room-1", DigitalTwin(model_id=ROOM["@id"], properties={"temperature": 20, "humidity": 40})
    )
    await client.create_or_replace_digital_twin(
        "room-1", DigitalTwin(model_id=ROOM["@id"], properties={"temperature": 21})
    )
    assert (await client.get_digital_twin("room-1")).properties == {"temperature": 21}


async def test_creating_only_if_there_is_none_leaves_the_twin_as_it_is(client: AsyncTwinfrontClient):
    await client.create_models(MODELS)
    first = await client.create_or_replace_digital_twin("room-1", DigitalTwin(model_id=ROOM["@id"]))
    with pytest.raises(AlreadyExistsError) as raised:
        await client.create_or_replace_digital_twin("room-1", DigitalTwin(model_id=ROOM["@id"]), if_none_match=True)
    assert raised.value.reason == "TWIN_ALREADY_EXISTS"
    assert (await client.get_digital_twin("room-1")).etag == first.etag


async def test_models_are_stored_as_they_are(client: AsyncTwinfrontClient):
    await client.create_models(MODELS)
    for model in MODELS:
        stored = await client.get_model(model["@id"], include_model_definition=True)
        assert stored.dtdl_model == model


async def test_a_map_takes_any_keys(client: AsyncTwinfrontClient):
    schema = {
        "@type": "Map",
        "mapKey": {"name": "tag", "schema": "string"},
        "mapValue": {"name": "value", "schema": "boolean"},
    }
    model = interface("WithMap", plain("tags", schema))
    await client.create_models([model])
    tags = {"red": True, "round": False}
    await client.create_or_replace_digital_twin("a", DigitalTwin(model_id=model["@id"], properties={"tags": tags}))
    assert (await client.get_digital_twin("a"))["tags"] == tags


async def test_a_model_with_odd_blanks_is_no_json(client: AsyncTwinfrontClient):
    with pytest.raises(DtdlInvalidError, match="is not JSON"):
        await client.create_models([json.dumps(ROOM, indent=1).replace("\n ", "\n\u202f")])


@pytest.mark.parametrize("file", MODEL_FILES)
async def test_the_models_of_the_documentation_are_stored_as_they_are(
    client: AsyncTwinfrontClient, sample: Sample, file: str
):
    models = _list(sample(file))
    created = await client.create_models(models)
    assert [model.id for model in created] == [model["@id"] for model in models]
    for model in models:
        stored = await client.get_model(model["@id"], include_model_definition=True)
        assert stored.dtdl_model == model


@pytest.mark.parametrize(
    ("file", "twin"),
    [
        (
            "Room.json",
            {
                "Temperature": 25.0,
                "HumidityLevel": 50.0,
                "RoomName": "Lobby",
                "$metadata": {"$model": "dtmi:example:Room;2"},
            },
        ),
        ("Thermostat.json", {"Temperature": 21, "$metadata": {"$model": "dtmi:contosocom:DigitalTwins:Thermostat;1"}}),
        (
            "PatientRoom.json",
            {
                "visitorCount": 2,
                "handWashCount": 3,
                "handWashPercentage": 0.66,
                "$metadata": {"$model": "dtmi:com:contoso:PatientRoom;1"},
            },
        ),
        ("SampleModel.json", {"data": "Hello", "$metadata": {"$model": "dtmi:example:SampleModel;1"}}),
        ("Planet-Moon.json", {"$metadata": {"$model": "dtmi:com:contoso:Planet;1"}}),
        (
            "Planet-Crater-Moon.json",
            {
                "name": "Earth",
                "Temperature": 15,
                "deepestCrater": {"$metadata": {}},
                "$metadata": {"$model": "dtmi:com:contoso:Planet;1"},
            },
        ),
        (
            "CelestialBody-Planet-Crater.json",
            {
                "name": "inherited",
                "mass": 5.97,
                "deepestCrater": {"$metadata": {}},
                "$metadata": {"$model": "dtmi:com:contoso:Planet;1"},
            },
        ),
        (
            "coffeeMaker-coffeeMakerInterface-coffeeBar.json",
            {
                "coffeeMaker": {"waterTemp": 93.5, "$metadata": {}},
                "$metadata": {"$model": "dtmi:com:contoso:coffeeMaker;1"},
            },
        ),
    ],
)
async def test_twins_of_the_documentations_models_read_back_equal(
    client: AsyncTwinfrontClient, sample: Sample, file: str, twin: dict[str, Any]
):
    await client.create_models(_list(sample(file)))
    await client.create_or_replace_digital_twin("a-twin", twin)
    written, read = DigitalTwin.from_dict(twin), await client.get_digital_twin("a-twin")
    assert (read.model_id, read.properties) == (written.model_id, written.properties)
    assert {name: part.properties for name, part in read.components.items()} == {
        name: part.properties for name, part in written.components.items()
    }


async def test_a_planet_of_the_documentation_has_its_moon_as_satellite(client: AsyncTwinfrontClient, sample: Sample):
    await client.create_models(sample("Planet-Crater-Moon.json"))
    earth = DigitalTwin(model_id="dtmi:com:contoso:Planet;1", components={"deepestCrater": Component()})
    await client.create_or_replace_digital_twin("earth", earth)
    await client.create_or_replace_digital_twin("moon", DigitalTwin(model_id="dtmi:com:contoso:Moon;1"))
    await client.create_or_replace_relationship(
        "earth", "earth-moon", Relationship(name="satellites", target_id="moon")
    )
    assert [entry.target_id async for entry in client.list_relationships("earth")] == ["moon"]


@pytest.mark.parametrize(("index", "tags"), [(0, {"red": True, "round": True}), (1, {"red": "", "size": "large"})])
async def test_the_documentations_tags_are_properties_for_any_model(
    client: AsyncTwinfrontClient, sample: Sample, index: int, tags: dict[str, Any]
):
    model = interface("Tagged", sample("tags.normalized.json")[index])
    await client.create_models([model])
    await client.create_or_replace_digital_twin("a", DigitalTwin(model_id=model["@id"], properties={"tags": tags}))
    assert (await client.get_digital_twin("a"))["tags"] == tags


async def test_the_documentations_tags_with_their_odd_blanks_are_no_json(client: AsyncTwinfrontClient, samples: Path):
    with pytest.raises(DtdlInvalidError, match="is not JSON"):
        await client.create_models([(samples / "tags.json").read_text()])


def _list(models: Any) -> list[dict[str, Any]]:
    return models if isinstance(models, list) else [models]
