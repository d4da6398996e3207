"""Whatever callers send: the right code, and the field that is wrong by its name. Here: whole requests."""

import asyncio
from typing import Any

import grpc
import grpc.aio
import pytest

from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1 import model_service_pb2 as models
from twinfront.v1 import relationship_service_pb2 as relationships
from twinfront.v1.json_patch_pb2 import JsonPatchOperation
from twinfront.v1.relationship_pb2 import Relationship
from twinfront_server.wire.limits import MAX_OPERATIONS

from .building import Building, replace, room, value
from .refusal import fields, refused, refused_field

Code = grpc.StatusCode


@pytest.mark.parametrize("path", ["", "/", "//", "/a/", "/a//b", "/~", "/a~", "/~2", "~"])
async def test_malformed_paths_are_refused_by_their_field(building: Building, path: str):
    await building.add_room("room", visits=0)
    call = building.patch("room", replace("/visits", 1), replace(path, 1))
    assert await refused_field(call, "JSON_PATCH_INVALID") == "patch[1].path"


@pytest.mark.parametrize(
    "path", ["/address/city", "/note", "/thermostat/serial", "/$metadata/note/sourceTime", "/labels/a", "/visits/x"]
)
async def test_paths_that_lead_nowhere_are_refused(building: Building, path: str):
    await building.add_room("room", visits=0)
    call = building.patch("room", replace("/visits", 1), replace(path, "2020-01-01T00:00:00Z"))
    assert await refused_field(call, "JSON_PATCH_INVALID") == "patch[1].path"
    assert (await building.read("room")).properties["visits"] == value(0)


@pytest.mark.parametrize(
    "path", ["/$dtId", "/$etag", "/$metadata", "/$metadata/$lastUpdateTime", "/thermostat/$metadata"]
)
async def test_paths_that_are_the_service_s_own_are_refused(building: Building, path: str):
    etag = await building.add_room("room")
    error = await refused(building.patch("room", replace(path, "x")))
    assert (error.code, fields(error)[0].partition(".")[0]) == (Code.INVALID_ARGUMENT, "patch[0]")
    assert (await building.read("room")).etag == etag


@pytest.mark.parametrize("number", [0, 4, 99])
async def test_unknown_ops_are_refused(building: Building, number: int):
    await building.add_room("room")
    operation = JsonPatchOperation.FromString(b"\x08" + bytes([number]) + b"\x12\x02/a\x22\x011")
    assert await refused_field(building.patch("room", operation), "JSON_PATCH_INVALID") == "patch[0].op"


async def test_a_patch_without_a_value_is_refused(building: Building):
    await building.add_room("room")
    operation = JsonPatchOperation(op=JsonPatchOperation.OP_ADD, path="/visits")
    assert await refused_field(building.patch("room", operation), "JSON_PATCH_INVALID") == "patch[0].value"


@pytest.mark.parametrize(
    "etag", ["abc", 'W/"a', '"a" ', '"a","b"', '"a"\r\nX: 1', '"a\nb"', "W/*", '"ä"', f'"{"x" * 9000}"']
)
async def test_bad_etags_are_refused(building: Building, etag: str):
    await building.add_room("room")
    delete = twins.DeleteDigitalTwinRequest(digital_twin_id="room", if_match=etag)
    edge = relationships.DeleteRelationshipRequest(digital_twin_id="room", relationship_id="r", if_match=etag)
    assert await refused_field(building.patch("room", if_match=etag)) == "if_match"
    assert await refused_field(building.twins.DeleteDigitalTwin(delete)) == "if_match"
    assert await refused_field(building.relationships.DeleteRelationship(edge)) == "if_match"


@pytest.mark.parametrize("condition", ['W/"a"', "**", "x", "*\n"])
async def test_if_none_match_is_a_star_or_nothing(building: Building, condition: str):
    twin = twins.CreateOrReplaceDigitalTwinRequest(digital_twin_id="room", digital_twin=room(), if_none_match=condition)
    edge = relationships.CreateOrReplaceRelationshipRequest(
        digital_twin_id="a",
        relationship_id="r",
        relationship=Relationship(name="adjacentTo", target_id="b"),
        if_none_match=condition,
    )
    assert await refused_field(building.twins.CreateOrReplaceDigitalTwin(twin)) == "if_none_match"
    assert await refused_field(building.relationships.CreateOrReplaceRelationship(edge)) == "if_none_match"


async def test_enum_numbers_that_there_are_not_are_refused(building: Building):
    representation = twins.GetDigitalTwinRequest(digital_twin_id="room", representation=99)  # type: ignore[arg-type]
    view = twins.GetDigitalTwinRequest(digital_twin_id="room", view=99)  # type: ignore[arg-type]
    assert await refused_field(building.twins.GetDigitalTwin(representation)) == "representation"
    assert await refused_field(building.twins.GetDigitalTwin(view)) == "view"


async def test_a_twin_in_both_representations_at_once_is_refused(building: Building):
    both = room()
    both.json = b"{}"
    assert await refused_field(building.put(both)) == "digital_twin.json"
    await building.add_room("room")
    operation = JsonPatchOperation(op=JsonPatchOperation.OP_ADD, path="/visits", value=value(1), value_json=b"1")
    field = await refused_field(building.patch("room", operation), "JSON_PATCH_INVALID")
    assert field == "patch[0].value_json"


async def test_requests_with_nothing_in_them_are_refused(building: Building):
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


async def test_clients_that_vanish_in_mid_call_leave_the_server_serving(building: Building):
    await building.add_room("room", visits=0)
    for _ in range(20):
        call = asyncio.ensure_future(building.patch("room", replace("/visits", 1)))
        await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    await building.patch("room", replace("/visits", 2))
    assert (await building.read("room")).properties["visits"] == value(2)


async def test_an_rpc_that_there_is_not_is_unimplemented(channel: grpc.aio.Channel):
    call: Any = channel.unary_unary("/twinfront.v1.DigitalTwinService/NoSuchRpc")
    assert (await _refused_bytes(call(b""))).code() is Code.UNIMPLEMENTED


@pytest.mark.parametrize(("count", "field"), [(MAX_OPERATIONS, "patch[0].value"), (30_000, "patch")])
async def test_a_patch_of_very_many_wrong_operations_is_answered(building: Building, count: int, field: str):
    """Looking for the field of each of them would keep the server from everybody else for hours."""
    await building.add_room("room")
    wrong = JsonPatchOperation.OP_ADD
    patch = [JsonPatchOperation(op=wrong, path=f"/x{index}", value=value(1)) for index in range(count)]
    error = await refused(building.patch("room", *patch))
    assert (error.code, fields(error)[0]) == (Code.INVALID_ARGUMENT, field)


async def test_values_nested_deeper_than_protobuf_parses_are_refused(channel: grpc.aio.Channel):
    """No stub can make this message, but bytes on the wire can be anything."""
    nested = b""
    for _ in range(200):
        nested = _tagged(7, _tagged(1, _tagged(1, b"a") + _tagged(2, nested)))
    operation = b"\x08\x01" + _tagged(2, b"/address") + _tagged(3, nested)
    call: Any = channel.unary_unary("/twinfront.v1.DigitalTwinService/UpdateDigitalTwin")
    error = await _refused_bytes(call(_tagged(1, b"room") + _tagged(2, operation)))
    assert error.code() is Code.INVALID_ARGUMENT


@pytest.mark.parametrize("message", [b"\xff", b"\x0a\xff", b"\x0a\x05room", b"\x0a\x02\xff\xfe"])
async def test_bytes_that_are_no_message_are_refused(channel: grpc.aio.Channel, message: bytes):
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


async def test_more_roots_than_fit_a_request_to_the_upstream_are_refused(building: Building):
    roots = [f"dtmi:example:Room;{version}" for version in range(1, 252)]
    error = await refused(building.models.ListModels(models.ListModelsRequest(dependencies_for=roots)))
    assert (error.code, fields(error)) == (Code.INVALID_ARGUMENT, ["dependencies_for"])
