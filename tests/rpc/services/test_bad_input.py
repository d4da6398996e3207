"""Whatever callers send: the right code, and the field that is wrong by its name."""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
import orjson
import pytest

from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1 import model_service_pb2 as models
from twinfront.v1 import relationship_service_pb2 as relationships
from twinfront.v1.digital_twin_pb2 import Component, DigitalTwin
from twinfront.v1.json_patch_pb2 import JsonPatchOperation
from twinfront.v1.relationship_pb2 import Relationship
from twinfront.v1.value_pb2 import ListValue, Value

from .building import ROOM, Building, add, replace, room, value
from .refusal import fields, refused

Code = grpc.StatusCode
Called = Callable[[Building, str], Any]
BAD_IDS = ["", ".", "..", "a/b", "/", "a\\b", "a?b", "a#b", "a\x00b", "a\nb", "a\x7fb", "x" * 129, "x" * 3000, "$a"]
BY_TWIN_ID: dict[str, Called] = {
    "CreateOrReplaceDigitalTwin": lambda b, i: b.twins.CreateOrReplaceDigitalTwin(
        twins.CreateOrReplaceDigitalTwinRequest(digital_twin_id=i, digital_twin=room())
    ),
    "GetDigitalTwin": lambda b, i: b.twins.GetDigitalTwin(twins.GetDigitalTwinRequest(digital_twin_id=i)),
    "UpdateDigitalTwin": lambda b, i: b.twins.UpdateDigitalTwin(
        twins.UpdateDigitalTwinRequest(digital_twin_id=i, patch=[add("/temperature", 1.0)])
    ),
    "DeleteDigitalTwin": lambda b, i: b.twins.DeleteDigitalTwin(twins.DeleteDigitalTwinRequest(digital_twin_id=i)),
    "GetComponent": lambda b, i: b.twins.GetComponent(
        twins.GetComponentRequest(digital_twin_id=i, component_name="thermostat")
    ),
    "UpdateComponent": lambda b, i: b.twins.UpdateComponent(
        twins.UpdateComponentRequest(digital_twin_id=i, component_name="thermostat", patch=[add("/setpoint", 1.0)])
    ),
    "CreateOrReplaceRelationship": lambda b, i: b.relationships.CreateOrReplaceRelationship(
        relationships.CreateOrReplaceRelationshipRequest(
            digital_twin_id=i,
            relationship_id="r",
            relationship=Relationship(name="adjacentTo", target_id="a"),
        )
    ),
    "GetRelationship": lambda b, i: b.relationships.GetRelationship(
        relationships.GetRelationshipRequest(digital_twin_id=i, relationship_id="r")
    ),
    "UpdateRelationship": lambda b, i: b.relationships.UpdateRelationship(
        relationships.UpdateRelationshipRequest(digital_twin_id=i, relationship_id="r", patch=[add("/weight", 1.0)])
    ),
    "DeleteRelationship": lambda b, i: b.relationships.DeleteRelationship(
        relationships.DeleteRelationshipRequest(digital_twin_id=i, relationship_id="r")
    ),
    "ListRelationships": lambda b, i: b.relationships.ListRelationships(
        relationships.ListRelationshipsRequest(digital_twin_id=i)
    ),
    "ListIncomingRelationships": lambda b, i: b.relationships.ListIncomingRelationships(
        relationships.ListIncomingRelationshipsRequest(digital_twin_id=i)
    ),
}
BY_RELATIONSHIP_ID: dict[str, Called] = {
    "CreateOrReplaceRelationship": lambda b, i: b.relationships.CreateOrReplaceRelationship(
        relationships.CreateOrReplaceRelationshipRequest(
            digital_twin_id="a",
            relationship_id=i,
            relationship=Relationship(name="adjacentTo", target_id="b"),
        )
    ),
    "GetRelationship": lambda b, i: b.relationships.GetRelationship(
        relationships.GetRelationshipRequest(digital_twin_id="a", relationship_id=i)
    ),
    "UpdateRelationship": lambda b, i: b.relationships.UpdateRelationship(
        relationships.UpdateRelationshipRequest(digital_twin_id="a", relationship_id=i, patch=[add("/weight", 1.0)])
    ),
    "DeleteRelationship": lambda b, i: b.relationships.DeleteRelationship(
        relationships.DeleteRelationshipRequest(digital_twin_id="a", relationship_id=i)
    ),
}
BY_MODEL_ID: dict[str, Called] = {
    "GetModel": lambda b, i: b.models.GetModel(models.GetModelRequest(model_id=i)),
    "DecommissionModel": lambda b, i: b.models.DecommissionModel(models.DecommissionModelRequest(model_id=i)),
    "DeleteModel": lambda b, i: b.models.DeleteModel(models.DeleteModelRequest(model_id=i)),
}


async def _refused_field(call: Any, reason: str = "INVALID_ARGUMENT") -> str:
    error = await refused(call)
    assert (error.code, error.reason) == (Code.INVALID_ARGUMENT, reason)
    (field,) = fields(error)
    return field


def _put(building: Building, twin: DigitalTwin) -> Any:
    return building.twins.CreateOrReplaceDigitalTwin(
        twins.CreateOrReplaceDigitalTwinRequest(digital_twin_id="room", digital_twin=twin)
    )


def _put_json(building: Building, **members: object) -> Any:
    document = {"$metadata": {"$model": ROOM}, "thermostat": {"$metadata": {}}} | members
    return _put(building, DigitalTwin(json=orjson.dumps(document)))


# --- ids -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rpc", BY_TWIN_ID)
async def test_bad_twin_ids(building: Building, rpc: str):
    for identifier in BAD_IDS:
        assert await _refused_field(BY_TWIN_ID[rpc](building, identifier)) == "digital_twin_id", identifier


@pytest.mark.parametrize("rpc", BY_RELATIONSHIP_ID)
async def test_bad_relationship_ids(building: Building, rpc: str):
    await building.add_room("a")
    await building.add_room("b")
    for identifier in BAD_IDS:
        field = await _refused_field(BY_RELATIONSHIP_ID[rpc](building, identifier))
        assert field == "relationship_id", identifier


@pytest.mark.parametrize("rpc", BY_MODEL_ID)
@pytest.mark.parametrize("identifier", ["", ".", "room", "dtmi:", "dtmi:a b;1", "dtmi:a;0", "dtmi:a/b;1", "x" * 3000])
async def test_bad_model_ids(building: Building, rpc: str, identifier: str):
    assert await _refused_field(BY_MODEL_ID[rpc](building, identifier)) == "model_id"


@pytest.mark.parametrize("identifier", ["", "room", "dtmi:a b;1"])
async def test_bad_model_ids_in_a_list(building: Building, identifier: str):
    request = models.ListModelsRequest(dependencies_for=[ROOM, identifier])
    assert await _refused_field(building.models.ListModels(request)) == "dependencies_for[1]"


@pytest.mark.parametrize("name", ["", ".", "..", "a\nb", "x" * 3000])
async def test_bad_component_names(building: Building, name: str):
    await building.add_room("room")
    get = twins.GetComponentRequest(digital_twin_id="room", component_name=name)
    update = twins.UpdateComponentRequest(digital_twin_id="room", component_name=name)
    assert await _refused_field(building.twins.GetComponent(get)) == "component_name"
    assert await _refused_field(building.twins.UpdateComponent(update)) == "component_name"


async def test_an_id_inside_the_resource_that_is_not_the_request_s(building: Building):
    assert await _refused_field(_put(building, DigitalTwin(id="other", model_id=ROOM))) == "digital_twin.id"
    assert await _refused_field(_put_json(building, **{"$dtId": "other"})) == "digital_twin.json"
    request = relationships.CreateOrReplaceRelationshipRequest(
        digital_twin_id="a",
        relationship_id="r",
        relationship=Relationship(source_id="b", name="adjacentTo", target_id="c"),
    )
    field = await _refused_field(building.relationships.CreateOrReplaceRelationship(request))
    assert field == "relationship.source_id"


# --- values ----------------------------------------------------------------------------------------------------------


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
    assert await _refused_field(_put(building, room(**{name: item})), "VALIDATION_FAILED") == field
    assert await _refused_field(_put_json(building, **{name: item}), "VALIDATION_FAILED") == "digital_twin.json"
    await building.add_room("room")
    assert await _refused_field(building.patch("room", add(f"/{name}", item)), "VALIDATION_FAILED") == "patch[0].value"
    assert set((await building.read("room")).properties) == set()


async def test_several_wrong_values_are_all_named(building: Building):
    twin = room(temperature="warm", visits=1.5)
    twin.components["thermostat"].properties["setpoint"].string_value = "hot"
    error = await refused(_put(building, twin))
    assert set(fields(error)) == {
        'digital_twin.properties["temperature"]',
        'digital_twin.properties["visits"]',
        'digital_twin.components["thermostat"].properties["setpoint"]',
    }


async def test_an_unknown_model(building: Building):
    twin = DigitalTwin(model_id="dtmi:example:Nothing;1")
    assert await _refused_field(_put(building, twin), "VALIDATION_FAILED") == "digital_twin.model_id"
    await building.add_room("room")
    call = building.patch("room", replace("/$metadata/$model", "dtmi:example:Nothing;1"))
    assert await _refused_field(call, "VALIDATION_FAILED") == "patch[0].value"


async def test_no_model(building: Building):
    assert await _refused_field(_put(building, DigitalTwin())) == "digital_twin.model_id"
    assert await _refused_field(_put(building, DigitalTwin(json=b"{}")), "VALIDATION_FAILED") == "digital_twin.json"


async def test_a_missing_component(building: Building):
    field = await _refused_field(_put(building, DigitalTwin(model_id=ROOM)), "VALIDATION_FAILED")
    assert field == 'digital_twin.components["thermostat"]'


async def test_a_component_that_the_model_does_not_have(building: Building):
    twin = room()
    twin.components["cooler"].CopyFrom(Component())
    field = await _refused_field(_put(building, twin), "VALIDATION_FAILED")
    assert field.startswith("digital_twin")


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30])
async def test_integers_beyond_64_bits_in_json(building: Building, number: int):
    text = f'{{"$metadata":{{"$model":"{ROOM}"}},"visits":{number},"thermostat":{{"$metadata":{{}}}}}}'
    error = await refused(_put(building, DigitalTwin(json=text.encode())))
    assert (error.code, fields(error)) == (Code.INVALID_ARGUMENT, ["digital_twin.json"])


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
async def test_numbers_that_json_does_not_have(building: Building, number: float):
    field = 'digital_twin.properties["temperature"]'
    assert await _refused_field(_put(building, room(temperature=number))) == field
    await building.add_room("room")
    assert await _refused_field(building.patch("room", replace("/temperature", number))) == "patch[0].value"


async def test_a_value_without_a_kind(building: Building):
    twin = room()
    twin.properties["temperature"].CopyFrom(Value())
    assert await _refused_field(_put(building, twin)) == 'digital_twin.properties["temperature"]'


async def test_null(building: Building):
    twin = room()
    twin.properties["temperature"].CopyFrom(Value(null_value=0))  # type: ignore[arg-type]
    error = await refused(_put(building, twin))
    assert (error.code, fields(error)) == (Code.INVALID_ARGUMENT, ['digital_twin.properties["temperature"]'])


@pytest.mark.parametrize(
    "text", [b"{", b"[]", b"nan", b'{"a": NaN}', b"\xff", b"{}{}", b"[" * 100_000, b'{"a":' * 100_000]
)
async def test_json_that_is_none(building: Building, text: bytes):
    assert await _refused_field(_put(building, DigitalTwin(json=text))) == "digital_twin.json"
    await building.add_room("room")
    operation = JsonPatchOperation(op=JsonPatchOperation.OP_ADD, path="/note", value_json=text)
    error = await refused(building.patch("room", operation))
    assert fields(error)[0].startswith("patch[0].value")


@pytest.mark.parametrize("levels", [20, 99, 200, 900, 1100])
async def test_deep_nesting_in_json(building: Building, levels: int):
    deep = b'{"$metadata":{"$model":"%b"},"address":%b1%b}' % (ROOM.encode(), b'{"a":' * levels, b"}" * levels)
    error = await refused(_put(building, DigitalTwin(json=deep)))
    assert (error.code, fields(error)) == (Code.INVALID_ARGUMENT, ["digital_twin.json"])


@pytest.mark.parametrize("levels", [5, 20, 45])
async def test_deep_nesting_in_values(building: Building, levels: int):
    nested = value(1)
    for _ in range(levels):
        nested = Value(list_value=ListValue(values=[nested]))
    twin = room()
    twin.properties["address"].CopyFrom(nested)
    error = await refused(_put(building, twin))
    assert (error.code, fields(error)) == (Code.INVALID_ARGUMENT, ['digital_twin.properties["address"]'])


async def test_values_nested_deeper_than_protobuf_parses(channel: grpc.aio.Channel):
    """No stub can make this message, but bytes on the wire can be anything."""
    nested = b""
    for _ in range(200):
        nested = _tagged(7, _tagged(1, _tagged(1, b"a") + _tagged(2, nested)))
    operation = b"\x08\x01" + _tagged(2, b"/address") + _tagged(3, nested)
    call: Any = channel.unary_unary("/twinfront.v1.DigitalTwinService/UpdateDigitalTwin")
    error = await _refused_bytes(call(_tagged(1, b"room") + _tagged(2, operation)))
    assert error.code() is Code.INVALID_ARGUMENT


@pytest.mark.parametrize("message", [b"\xff", b"\x0a\xff", b"\x0a\x05room", b"\x0a\x02\xff\xfe"])
async def test_bytes_that_are_no_message(channel: grpc.aio.Channel, message: bytes):
    call: Any = channel.unary_unary("/twinfront.v1.DigitalTwinService/GetDigitalTwin")
    error = await _refused_bytes(call(message))
    assert error.code() is Code.INVALID_ARGUMENT


def _tagged(number: int, content: bytes) -> bytes:
    """A length-delimited field."""
    length, size = b"", len(content)
    while size > 0x7F:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


async def _refused_bytes(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


# --- sizes -----------------------------------------------------------------------------------------------------------


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
        await _put(building, room(note="x" * 5_000_000))
    assert caught.value.code() is Code.RESOURCE_EXHAUSTED


async def test_a_message_of_3_mb_is_refused_by_the_service(building: Building):
    error = await refused(_put(building, room(note="x" * 3_000_000)))
    assert (error.code, fields(error)) == (Code.INVALID_ARGUMENT, ['digital_twin.properties["note"]'])


async def test_a_property_with_a_name_of_megabytes(building: Building):
    error = await refused(_put(building, room(ROOM, **{"x" * 1_000_000: 1})))
    assert error.code is Code.INVALID_ARGUMENT
    assert fields(error)[0].startswith('digital_twin.properties["xxx')


async def test_thousands_of_wrong_properties(building: Building):
    error = await refused(_put(building, room(ROOM, **{f"wrong{number}": 1 for number in range(5000)})))
    assert error.code is Code.INVALID_ARGUMENT
    assert fields(error)[0].startswith("digital_twin.properties")


async def test_a_patch_of_thousands_of_operations(building: Building):
    await building.add_room("room", visits=0)
    await building.patch("room", *(replace("/visits", number) for number in range(5000)))
    assert (await building.read("room")).properties["visits"] == value(4999)


# --- patches ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/", "//", "/a/", "/a//b", "/~", "/a~", "/~2", "~"])
async def test_malformed_paths(building: Building, path: str):
    await building.add_room("room", visits=0)
    call = building.patch("room", replace("/visits", 1), replace(path, 1))
    assert await _refused_field(call, "JSON_PATCH_INVALID") == "patch[1].path"


@pytest.mark.parametrize(
    "path", ["/address/city", "/note", "/thermostat/serial", "/$metadata/note/sourceTime", "/labels/a", "/visits/x"]
)
async def test_paths_that_lead_nowhere(building: Building, path: str):
    await building.add_room("room", visits=0)
    call = building.patch("room", replace("/visits", 1), replace(path, "2020-01-01T00:00:00Z"))
    assert await _refused_field(call, "JSON_PATCH_INVALID") == "patch[1].path"
    assert (await building.read("room")).properties["visits"] == value(0)


@pytest.mark.parametrize(
    "path", ["/$dtId", "/$etag", "/$metadata", "/$metadata/$lastUpdateTime", "/thermostat/$metadata"]
)
async def test_paths_that_are_the_service_s_own(building: Building, path: str):
    etag = await building.add_room("room")
    error = await refused(building.patch("room", replace(path, "x")))
    assert (error.code, fields(error)[0].partition(".")[0]) == (Code.INVALID_ARGUMENT, "patch[0]")
    assert (await building.read("room")).etag == etag


@pytest.mark.parametrize("number", [0, 4, 99])
async def test_unknown_ops(building: Building, number: int):
    await building.add_room("room")
    operation = JsonPatchOperation.FromString(b"\x08" + bytes([number]) + b"\x12\x02/a\x22\x011")
    assert await _refused_field(building.patch("room", operation), "JSON_PATCH_INVALID") == "patch[0].op"


async def test_a_patch_without_a_value(building: Building):
    await building.add_room("room")
    operation = JsonPatchOperation(op=JsonPatchOperation.OP_ADD, path="/visits")
    assert await _refused_field(building.patch("room", operation), "JSON_PATCH_INVALID") == "patch[0].value"


# --- conditions, enums, forms ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "etag", ["abc", 'W/"a', '"a" ', '"a","b"', '"a"\r\nX: 1', '"a\nb"', "W/*", '"ä"', f'"{"x" * 9000}"']
)
async def test_bad_etags(building: Building, etag: str):
    await building.add_room("room")
    delete = twins.DeleteDigitalTwinRequest(digital_twin_id="room", if_match=etag)
    edge = relationships.DeleteRelationshipRequest(digital_twin_id="room", relationship_id="r", if_match=etag)
    assert await _refused_field(building.patch("room", if_match=etag)) == "if_match"
    assert await _refused_field(building.twins.DeleteDigitalTwin(delete)) == "if_match"
    assert await _refused_field(building.relationships.DeleteRelationship(edge)) == "if_match"


@pytest.mark.parametrize("condition", ['W/"a"', "**", "x", "*\n"])
async def test_if_none_match_is_a_star_or_nothing(building: Building, condition: str):
    twin = twins.CreateOrReplaceDigitalTwinRequest(digital_twin_id="room", digital_twin=room(), if_none_match=condition)
    edge = relationships.CreateOrReplaceRelationshipRequest(
        digital_twin_id="a",
        relationship_id="r",
        relationship=Relationship(name="adjacentTo", target_id="b"),
        if_none_match=condition,
    )
    assert await _refused_field(building.twins.CreateOrReplaceDigitalTwin(twin)) == "if_none_match"
    assert await _refused_field(building.relationships.CreateOrReplaceRelationship(edge)) == "if_none_match"


async def test_enum_numbers_that_there_are_not(building: Building):
    representation = twins.GetDigitalTwinRequest(digital_twin_id="room", representation=99)  # type: ignore[arg-type]
    view = twins.GetDigitalTwinRequest(digital_twin_id="room", view=99)  # type: ignore[arg-type]
    assert await _refused_field(building.twins.GetDigitalTwin(representation)) == "representation"
    assert await _refused_field(building.twins.GetDigitalTwin(view)) == "view"


async def test_both_representations_at_once(building: Building):
    both = room()
    both.json = b"{}"
    assert await _refused_field(_put(building, both)) == "digital_twin.json"
    await building.add_room("room")
    operation = JsonPatchOperation(op=JsonPatchOperation.OP_ADD, path="/visits", value=value(1), value_json=b"1")
    field = await _refused_field(building.patch("room", operation), "JSON_PATCH_INVALID")
    assert field == "patch[0].value_json"


async def test_requests_with_nothing_in_them(building: Building):
    calls: list[Any] = [
        building.twins.CreateOrReplaceDigitalTwin(twins.CreateOrReplaceDigitalTwinRequest()),
        building.twins.GetDigitalTwin(twins.GetDigitalTwinRequest()),
        building.twins.UpdateDigitalTwin(twins.UpdateDigitalTwinRequest()),
        building.twins.DeleteDigitalTwin(twins.DeleteDigitalTwinRequest()),
        building.twins.GetComponent(twins.GetComponentRequest()),
        building.twins.UpdateComponent(twins.UpdateComponentRequest()),
        building.relationships.CreateOrReplaceRelationship(relationships.CreateOrReplaceRelationshipRequest()),
        building.relationships.GetRelationship(relationships.GetRelationshipRequest()),
        building.relationships.UpdateRelationship(relationships.UpdateRelationshipRequest()),
        building.relationships.DeleteRelationship(relationships.DeleteRelationshipRequest()),
        building.relationships.ListRelationships(relationships.ListRelationshipsRequest()),
        building.relationships.ListIncomingRelationships(relationships.ListIncomingRelationshipsRequest()),
        building.models.CreateModels(models.CreateModelsRequest()),
        building.models.GetModel(models.GetModelRequest()),
        building.models.DecommissionModel(models.DecommissionModelRequest()),
        building.models.DeleteModel(models.DeleteModelRequest()),
    ]
    for call in calls:
        assert (await refused(call)).code is Code.INVALID_ARGUMENT


# --- clients ---------------------------------------------------------------------------------------------------------


async def test_clients_that_vanish_in_mid_call_leave_the_server_serving(building: Building):
    await building.add_room("room", visits=0)
    for _ in range(20):
        call = asyncio.ensure_future(building.patch("room", replace("/visits", 1)))
        await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    await building.patch("room", replace("/visits", 2))
    assert (await building.read("room")).properties["visits"] == value(2)


async def test_an_rpc_that_there_is_not(channel: grpc.aio.Channel):
    call: Any = channel.unary_unary("/twinfront.v1.DigitalTwinService/NoSuchRpc")
    assert (await _refused_bytes(call(b""))).code() is Code.UNIMPLEMENTED
