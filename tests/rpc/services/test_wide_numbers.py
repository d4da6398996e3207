"""Doubles that JSON writes as integers, and times without a zone: alike in every form in which a caller sends JSON."""

import grpc
import pytest

from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.json_patch_pb2 import JsonPatchOperation
from twinfront.v1.representation_pb2 import Representation

from .building import ROOM, Building
from .refusal import refused

WIDE = ["9223372036854775808", "18446744073709551615", "18446744073709551616", "100000000000000000000", "-1" + "0" * 19]


def written_as_json(name: str, text: str) -> DigitalTwin:
    document = f'{{"$metadata":{{"$model":"{ROOM}"}},"{name}":{text},"thermostat":{{"$metadata":{{}}}}}}'
    return DigitalTwin(json=document.encode())


async def patch(building: Building, name: str, text: str) -> object:
    operation = JsonPatchOperation(op=JsonPatchOperation.OP_ADD, path=f"/{name}", value_json=text.encode())
    return await building.patch("room", operation)


async def merge(building: Building, name: str, text: str) -> object:
    request = twins.MergeDigitalTwinRequest(digital_twin_id="room", merge_json=f'{{"{name}":{text}}}'.encode())
    return await building.twins.MergeDigitalTwin(request)


@pytest.mark.parametrize("text", WIDE)
async def test_a_wide_number_for_a_double_is_that_double_in_every_form(building: Building, text: str):
    await building.put(written_as_json("temperature", text))
    await holds(building, float(text))
    for write in (patch, merge):
        await building.add_room("room", temperature=1.0)
        await write(building, "temperature", text)
        await holds(building, float(text))
    merged = await building.twins.MergeDigitalTwin(
        twins.MergeDigitalTwinRequest(digital_twin_id="room", merge_json=f'{{"temperature":{text}}}'.encode())
    )
    assert not merged.changed


async def holds(building: Building, number: float) -> None:
    assert (await building.read("room")).properties["temperature"].double_value == number
    request = twins.GetDigitalTwinRequest(digital_twin_id="room", representation=Representation.REPRESENTATION_JSON)
    text = (await building.twins.GetDigitalTwin(request)).digital_twin.json
    again = (await building.put(DigitalTwin(json=text))).digital_twin
    assert again.properties["temperature"].double_value == number


@pytest.mark.parametrize("text", WIDE)
async def test_a_wide_number_for_a_long_fails_validation_in_every_form(building: Building, text: str):
    error = await refused(building.put(written_as_json("visits", text)))
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "VALIDATION_FAILED")
    await building.add_room("room", visits=1)
    for write in (patch, merge):
        error = await refused(write(building, "visits", text))
        assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "VALIDATION_FAILED")


@pytest.mark.parametrize("text", ["1e400", "9" * 400])
async def test_a_number_that_no_double_holds_is_no_json_in_every_form(building: Building, text: str):
    error = await refused(building.put(written_as_json("temperature", text)))
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    await building.add_room("room")
    for write, reason in ((patch, "JSON_PATCH_INVALID"), (merge, "INVALID_ARGUMENT")):
        error = await refused(write(building, "temperature", text))
        assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
