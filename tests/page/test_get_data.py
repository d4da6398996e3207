"""Get data for a digital twin."""

import json
import re
from pathlib import Path

import grpc.aio
import pytest

from twinfront import AsyncTwinfrontClient, DigitalTwin, TwinNotFoundError
from twinfront.v1.digital_twin_service_pb2 import GetDigitalTwinRequest
from twinfront.v1.digital_twin_service_pb2_grpc import DigitalTwinServiceStub
from twinfront.v1.representation_pb2 import REPRESENTATION_JSON

from .conftest import Sample
from .models import MODELS, ROOM


async def _json(address: str, twin_id: str) -> dict[str, object]:
    """The twin in the JSON form of Azure Digital Twins, by the stubs."""
    async with grpc.aio.insecure_channel(address) as channel:
        response = await DigitalTwinServiceStub(channel).GetDigitalTwin(
            GetDigitalTwinRequest(digital_twin_id=twin_id, representation=REPRESENTATION_JSON)
        )
    document: dict[str, object] = json.loads(response.digital_twin.json)
    return document


async def test_only_properties_that_were_set_are_returned(client: AsyncTwinfrontClient):
    await client.create_models(MODELS)
    await client.create_or_replace_digital_twin(
        "room-1", DigitalTwin(model_id=ROOM["@id"], properties={"temperature": 20})
    )
    assert (await client.get_digital_twin("room-1")).properties == {"temperature": 20}


async def test_system_data_has_a_dollar_sign_and_properties_stand_at_the_top(
    client: AsyncTwinfrontClient, address: str
):
    await client.create_models(MODELS)
    await client.create_or_replace_digital_twin(
        "room-1", DigitalTwin(model_id=ROOM["@id"], properties={"temperature": 20.5, "name": "Lobby"})
    )
    document = await _json(address, "room-1")
    assert set(document) == {"$dtId", "$etag", "$metadata", "temperature", "name"}
    metadata = document["$metadata"]
    assert isinstance(metadata, dict)
    assert metadata["$model"] == ROOM["@id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", metadata["temperature"]["lastUpdateTime"])
    assert re.fullmatch(r'W/"[0-9a-f-]{36}"', str(document["$etag"]))


async def test_the_etag_changes_with_every_update(client: AsyncTwinfrontClient):
    await client.create_models(MODELS)
    created = await client.create_or_replace_digital_twin("room-1", DigitalTwin(model_id=ROOM["@id"]))
    etags = {created.etag}
    for temperature in (20, 20, 21):
        await client.update_digital_twin("room-1", [{"op": "add", "path": "/temperature", "value": temperature}])
        etags.add((await client.get_digital_twin("room-1")).etag)
    assert len(etags) == 4


async def test_the_display_name_is_in_the_model_and_not_in_the_twin(client: AsyncTwinfrontClient, address: str):
    await client.create_models(MODELS)
    await client.create_or_replace_digital_twin("room-1", DigitalTwin(model_id=ROOM["@id"]))
    assert "displayName" not in await _json(address, "room-1")
    assert (await client.get_model(ROOM["@id"])).display_name == {"en": "A room"}


async def test_a_twin_that_does_not_exist_is_not_found(client: AsyncTwinfrontClient):
    with pytest.raises(TwinNotFoundError) as raised:
        await client.get_digital_twin("nobody")
    assert raised.value.metadata == {"digital_twin_id": "nobody"}


async def test_a_moon_of_the_documentation_reads_as_the_page_shows_it(
    client: AsyncTwinfrontClient, address: str, sample: Sample, shared: Path
):
    page = (shared / "reference" / "manage-digital-twins.md").read_text()
    shown = json.loads(re.findall(r"```json\n(\{.*?\n\})\n```", page, re.DOTALL)[0])
    await client.create_models([sample("Moon.json")])
    await client.create_or_replace_digital_twin(
        shown["$dtId"],
        DigitalTwin(
            model_id=shown["$metadata"]["$model"], properties={"radius": shown["radius"], "mass": shown["mass"]}
        ),
    )
    read = await _json(address, shown["$dtId"])
    assert read["$dtId"] == shown["$dtId"]
    assert (read["radius"], read["mass"]) == (shown["radius"], shown["mass"])
    assert set(read) == set(shown)
    assert isinstance(read["$metadata"], dict)
    assert set(read["$metadata"]) == {*shown["$metadata"], "$lastUpdateTime"}
