"""Whatever callers send: the right code, and the field that is wrong by its name. Here: values."""

from typing import Any

import grpc
import grpc.aio
import orjson
import pytest

from twinfront.v1.digital_twin_pb2 import Component, DigitalTwin
from twinfront.v1.json_patch_pb2 import JsonPatchOperation
from twinfront.v1.value_pb2 import ListValue, Value

from .building import ROOM, Building, add, replace, room, value
from .refusal import fields, refused, refused_field

Code = grpc.StatusCode


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("unheardOf", 1),
        ("temperature", "warm"),
        ("temperature", True),
        ("visits", 1.5),
        ("visits", "1"),
        ("occupied", 1),
        ("note", 5),
        ("note", {"a": 1}),
        ("note", "x" * 4097),
        ("address", "Graz"),
        ("address", {"street": "Ring"}),
        ("address", {"number": 2**31}),
        ("labels", {"a": 1}),
        ("unheardOf", {"a": {"b": 1}}),
    ],
)
async def test_values_that_do_not_fit_the_model(building: Building, name: str, item: Any):
    field = f'digital_twin.properties["{name}"]'
    assert await refused_field(building.put(room(**{name: item})), "VALIDATION_FAILED") == field
    assert await refused_field(building.put_json(**{name: item}), "VALIDATION_FAILED") == "digital_twin.json"
    await building.add_room("room")
    assert await refused_field(building.patch("room", add(f"/{name}", item)), "VALIDATION_FAILED") == "patch[0].value"
    assert set((await building.read("room")).properties) == set()


async def test_several_wrong_values_are_all_named(building: Building):
    twin = room(temperature="warm", visits=1.5)
    twin.components["thermostat"].properties["setpoint"].string_value = "hot"
    error = await refused(building.put(twin))
    assert set(fields(error)) == {
        'digital_twin.properties["temperature"]',
        'digital_twin.properties["visits"]',
        'digital_twin.components["thermostat"].properties["setpoint"]',
    }


async def test_a_twin_of_an_unknown_model_is_refused(building: Building):
    twin = DigitalTwin(model_id="dtmi:example:Nothing;1")
    assert await refused_field(building.put(twin), "VALIDATION_FAILED") == "digital_twin.model_id"
    await building.add_room("room")
    call = building.patch("room", replace("/$metadata/$model", "dtmi:example:Nothing;1"))
    assert await refused_field(call, "VALIDATION_FAILED") == "patch[0].value"


async def test_a_twin_without_a_model_is_refused(building: Building):
    assert await refused_field(building.put(DigitalTwin())) == "digital_twin.model_id"
    assert await refused_field(building.put(DigitalTwin(json=b"{}")), "VALIDATION_FAILED") == "digital_twin.json"


async def test_a_twin_without_a_component_of_its_model_is_refused(building: Building):
    field = await refused_field(building.put(DigitalTwin(model_id=ROOM)), "VALIDATION_FAILED")
    assert field == 'digital_twin.components["thermostat"]'


async def test_a_component_that_the_model_does_not_have(building: Building):
    twin = room()
    twin.components["cooler"].CopyFrom(Component())
    field = await refused_field(building.put(twin), "VALIDATION_FAILED")
    assert field.startswith("digital_twin")


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30])
async def test_integers_beyond_64_bits_are_no_longs(building: Building, number: int):
    text = f'{{"$metadata":{{"$model":"{ROOM}"}},"visits":{number},"thermostat":{{"$metadata":{{}}}}}}'
    error = await refused(building.put(DigitalTwin(json=text.encode())))
    assert (error.code, error.reason, fields(error)) == (
        Code.INVALID_ARGUMENT,
        "VALIDATION_FAILED",
        ["digital_twin.json"],
    )


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
async def test_numbers_that_json_does_not_have(building: Building, number: float):
    field = 'digital_twin.properties["temperature"]'
    assert await refused_field(building.put(room(temperature=number))) == field
    await building.add_room("room")
    assert await refused_field(building.patch("room", replace("/temperature", number))) == "patch[0].value"


async def test_a_value_without_a_kind(building: Building):
    twin = room()
    twin.properties["temperature"].CopyFrom(Value())
    assert await refused_field(building.put(twin)) == 'digital_twin.properties["temperature"]'


async def test_null_is_no_value_of_a_property(building: Building):
    twin = room()
    twin.properties["temperature"].CopyFrom(Value(null_value=0))  # type: ignore[arg-type]
    error = await refused(building.put(twin))
    assert (error.code, fields(error)) == (Code.INVALID_ARGUMENT, ['digital_twin.properties["temperature"]'])


@pytest.mark.parametrize(
    "text", [b"{", b"[]", b"nan", b'{"a": NaN}', b"\xff", b"{}{}", b"[" * 100_000, b'{"a":' * 100_000]
)
async def test_json_that_is_none(building: Building, text: bytes):
    assert await refused_field(building.put(DigitalTwin(json=text))) == "digital_twin.json"
    await building.add_room("room")
    operation = JsonPatchOperation(op=JsonPatchOperation.OP_ADD, path="/note", value_json=text)
    error = await refused(building.patch("room", operation))
    assert fields(error)[0].startswith("patch[0].value")


@pytest.mark.parametrize("levels", [20, 99, 200, 900, 1100])
async def test_deep_nesting_in_json(building: Building, levels: int):
    twin = b'{"$metadata":{"$model":"%b"},"thermostat":{"$metadata":{}},"address":%b1%b}'
    deep = twin % (ROOM.encode(), b'{"a":' * levels, b"}" * levels)
    error = await refused(building.put(DigitalTwin(json=deep)))
    assert (error.code, fields(error)) == (Code.INVALID_ARGUMENT, ["digital_twin.json"])


@pytest.mark.parametrize("levels", [5, 20, 45])
async def test_deep_nesting_in_values(building: Building, levels: int):
    nested = value(1)
    for _ in range(levels):
        nested = Value(list_value=ListValue(values=[nested]))
    twin = room()
    twin.properties["address"].CopyFrom(nested)
    error = await refused(building.put(twin))
    assert (error.code, fields(error)) == (Code.INVALID_ARGUMENT, ['digital_twin.properties["address"]'])


async def test_a_twin_of_up_to_32_kib_is_taken_and_no_larger_one(building: Building):
    labels = {f"label{number}": "x" * 4050 for number in range(7)}
    await building.add_room("room", labels=labels)
    size = len(orjson.dumps(await building.read_json("room")))
    room_left = 32 * 1024 - size - len(',"label8":""')
    await building.patch("room", add("/labels/label8", "y" * room_left))
    assert len(orjson.dumps(await building.read_json("room"))) == 32 * 1024
    error = await refused(building.patch("room", add("/labels/label8", "y" * (room_left + 1))))
    assert (error.code, error.reason) == (Code.RESOURCE_EXHAUSTED, "LIMIT_REACHED")
    assert (
        len((await building.read("room")).properties["labels"].object_value.fields["label8"].string_value) == room_left
    )


async def test_a_message_of_5_mb_is_refused(building: Building):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await building.put(room(note="x" * 5_000_000))
    assert caught.value.code() is Code.RESOURCE_EXHAUSTED


async def test_a_message_of_3_mb_is_refused_by_the_service(building: Building):
    error = await refused(building.put(room(note="x" * 3_000_000)))
    assert (error.code, fields(error)) == (Code.INVALID_ARGUMENT, ['digital_twin.properties["note"]'])


async def test_a_property_with_a_name_of_megabytes(building: Building):
    error = await refused(building.put(room(ROOM, **{"x" * 1_000_000: 1})))
    assert error.code is Code.INVALID_ARGUMENT
    assert fields(error)[0].startswith('digital_twin.properties["xxx')


async def test_thousands_of_wrong_properties(building: Building):
    error = await refused(building.put(room(ROOM, **{f"wrong{number}": 1 for number in range(5000)})))
    assert error.code is Code.INVALID_ARGUMENT
    assert fields(error)[0].startswith("digital_twin.properties")


async def test_a_patch_of_thousands_of_operations(building: Building):
    await building.add_room("room", visits=0)
    await building.patch("room", *(replace("/visits", number) for number in range(5000)))
    assert (await building.read("room")).properties["visits"] == value(4999)
