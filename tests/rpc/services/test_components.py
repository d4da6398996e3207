"""Components: read and patched on their own."""

import grpc
import pytest

from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1.json_patch_pb2 import JsonPatchOperation

from .building import Building, add, remove, replace, value
from .refusal import fields, refused


def _get(component_name: str = "thermostat", digital_twin_id: str = "room") -> twins.GetComponentRequest:
    return twins.GetComponentRequest(digital_twin_id=digital_twin_id, component_name=component_name)


def _patch(
    *operations: JsonPatchOperation, component_name: str = "thermostat", if_match: str = ""
) -> twins.UpdateComponentRequest:
    return twins.UpdateComponentRequest(
        digital_twin_id="room", component_name=component_name, patch=operations, if_match=if_match
    )


async def test_a_component_is_the_part_of_its_twin_and_has_its_etag(building: Building):
    etag = await building.add_room("room")
    response = await building.twins.GetComponent(_get())
    assert response.component == (await building.read("room")).components["thermostat"]
    assert response.etag in ("", etag)


async def test_a_patch_of_a_component_gives_its_twin_a_new_etag(building: Building):
    etag = await building.add_room("room")
    response = await building.twins.UpdateComponent(_patch(replace("/setpoint", 18.5), add("/serial", 2**60)))
    twin = await building.read("room")
    assert twin.components["thermostat"].properties == {"setpoint": value(18.5), "serial": value(2**60)}
    assert twin.etag == response.etag != etag


async def test_an_empty_patch_of_a_component_changes_nothing_and_is_answered_with_the_etag_that_is(building: Building):
    etag = await building.add_room("room")
    assert (await building.twins.UpdateComponent(_patch())).etag == etag
    assert (await building.twins.UpdateComponent(_patch(if_match=etag))).etag == etag
    assert (await building.read("room")).etag == etag
    error = await refused(building.twins.UpdateComponent(_patch(if_match='W/"old"')))
    assert error.reason == "ETAG_MISMATCH"


@pytest.mark.parametrize(
    ("operation", "reason", "field"),
    [
        (replace("/setpoint", "warm"), "VALIDATION_FAILED", "patch[0].value"),
        (add("/color", "red"), "VALIDATION_FAILED", "patch[0].value"),
        (replace("/serial", 1), "JSON_PATCH_INVALID", "patch[0].path"),
        (remove("/serial"), "JSON_PATCH_INVALID", "patch[0].path"),
    ],
)
async def test_a_patch_that_does_not_fit(building: Building, operation: JsonPatchOperation, reason: str, field: str):
    await building.add_room("room")
    error = await refused(building.twins.UpdateComponent(_patch(operation)))
    assert (error.code, error.reason, fields(error)) == (grpc.StatusCode.INVALID_ARGUMENT, reason, [field])
    assert error.metadata == {"digital_twin_id": "room", "component_name": "thermostat"}


async def test_a_component_that_the_twin_does_not_have(building: Building):
    await building.add_room("room")
    error = await refused(building.twins.GetComponent(_get("cooler")))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "COMPONENT_NOT_FOUND")
    assert error.metadata == {"digital_twin_id": "room", "component_name": "cooler"}


async def test_a_patch_of_a_component_that_the_twin_does_not_have_leads_nowhere(building: Building):
    await building.add_room("room")
    error = await refused(building.twins.UpdateComponent(_patch(replace("/setpoint", 1.0), component_name="cooler")))
    assert (error.reason, fields(error)) == ("JSON_PATCH_INVALID", ["patch[0].path"])


async def test_a_component_of_a_twin_that_is_not_there(building: Building):
    error = await refused(building.twins.GetComponent(_get(digital_twin_id="nobody")))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "TWIN_NOT_FOUND")


async def test_a_property_is_no_component(building: Building):
    await building.add_room("room", address={"city": "Graz"})
    error = await refused(building.twins.GetComponent(_get("address")))
    assert error.reason == "COMPONENT_NOT_FOUND"
