"""Merging changes into a twin (RFC 7396): a merge just works, whether or not what it changes ever had a value."""

import asyncio
from typing import Any

import grpc
import orjson
import pytest
from google.protobuf.struct_pb2 import NULL_VALUE

from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1 import model_service_pb2 as models
from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.error_details_pb2 import EtagConflict
from twinfront.v1.value_pb2 import ListValue, ObjectValue, Value

from .building import ROOM, ROOM_2, Building, interface, replace, value
from .refusal import fields, refused, refused_field

PLACE = "dtmi:example:building:Place;1"
_BOX = {"@type": "Object", "fields": [{"name": "width", "schema": "double"}, {"name": "height", "schema": "double"}]}
_PLACE = interface(
    PLACE,
    [
        {"@type": "Property", "name": "tags", "schema": {"@type": "Array", "elementSchema": "string"}},
        {"@type": "Property", "name": "position", "schema": "point"},
        {
            "@type": "Property",
            "name": "zone",
            "schema": {"@type": "Object", "fields": [{"name": "box", "schema": _BOX}]},
        },
    ],
)
UNSTORED = "2020-09-13T12:26:40.1234567Z"


def _typed(changes: dict[str, Any]) -> ObjectValue:
    return ObjectValue(fields={name: _value(member) for name, member in changes.items()})


def _value(item: Any) -> Value:
    match item:
        case None:
            return Value(null_value=NULL_VALUE)
        case dict():
            return Value(object_value=_typed(item))
        case list():
            return Value(list_value=ListValue(values=[_value(element) for element in item]))
    return value(item)


async def _merge(
    building: Building, changes: dict[str, Any], *, if_match: str = "", text: bool = False
) -> twins.MergeDigitalTwinResponse:
    """Merges into the twin `room`."""
    request = twins.MergeDigitalTwinRequest(digital_twin_id="room", if_match=if_match)
    if text:
        request.merge_json = orjson.dumps(changes)
    else:
        request.merge.CopyFrom(_typed(changes))
    response: twins.MergeDigitalTwinResponse = await building.twins.MergeDigitalTwin(request)
    return response


async def _members(building: Building) -> dict[str, Any]:
    document = await building.read_json("room")
    return {name: item for name, item in document.items() if not name.startswith("$") and name != "thermostat"}


@pytest.mark.parametrize("text", [False, True])
async def test_members_of_an_object_that_was_never_set(building: Building, text: bool):
    await building.add_room("room")
    merged = await _merge(building, {"address": {"city": "Graz", "number": None}}, text=text)
    twin = await building.read("room")
    assert twin.properties["address"] == value({"city": "Graz"})
    assert (merged.changed, merged.etag) == (True, twin.etag)


@pytest.mark.parametrize(
    ("stored", "changes", "result"),
    [
        ({}, {"temperature": 1.5}, {"temperature": 1.5}),
        ({"temperature": 1.5}, {"temperature": 2.5}, {"temperature": 2.5}),
        ({"temperature": 1.5}, {"temperature": None, "visits": None}, {}),
        ({"address": {"city": "Graz"}}, {"address": {"number": 7}}, {"address": {"city": "Graz", "number": 7}}),
        ({"address": {"city": "Graz", "number": 7}}, {"address": {"city": None}}, {"address": {"number": 7}}),
        ({"address": {"city": "Graz"}}, {"address": None}, {}),
        ({}, {"address": {}}, {"address": {}}),
        ({}, {"labels": {"a/b": "1", "c~d": "2", "ü ": "3"}}, {"labels": {"a/b": "1", "c~d": "2", "ü ": "3"}}),
        ({"labels": {"a/b": "1", "c~d": "2"}}, {"labels": {"a/b": "3", "c~d": None}}, {"labels": {"a/b": "3"}}),
        ({"visits": 2**53}, {"visits": 2**53 + 1}, {"visits": 2**53 + 1}),
        ({"visits": 1, "note": "a"}, {"occupied": True, "note": "b"}, {"visits": 1, "note": "b", "occupied": True}),
    ],
)
async def test_what_a_merge_makes(
    building: Building, stored: dict[str, Any], changes: dict[str, Any], result: dict[str, Any]
):
    await building.put_json(**stored)
    assert (await _merge(building, changes)).changed
    assert await _members(building) == result


@pytest.mark.parametrize(
    ("stored", "changes"),
    [
        ({"temperature": 1.5}, {}),
        ({"temperature": 1.0}, {"temperature": 1}),
        ({"visits": 2**63 - 1}, {"visits": 2**63 - 1, "note": None}),
        ({"address": {"city": "Graz"}}, {"address": {"city": "Graz", "number": None}}),
        ({"labels": {}}, {"labels": {}, "thermostat": {}}),
        ({}, {"$dtId": "room", "$metadata": {"$model": ROOM}}),
    ],
)
async def test_a_merge_that_changes_nothing_writes_nothing(
    building: Building, stored: dict[str, Any], changes: dict[str, Any]
):
    before = (await building.put_json(**stored)).etag
    for if_match in ("", "*", before):
        merged = await _merge(building, changes, if_match=if_match)
        assert (merged.changed, merged.etag) == (False, before)
    assert (await building.read("room")).etag == before


async def test_arrays_and_geometries_are_replaced_whole_and_objects_in_objects_are_not(building: Building):
    await building.models.CreateModels(models.CreateModelsRequest(dtdl_models=[_PLACE]))
    point = {"type": "Point", "coordinates": [15.4, 47.1]}
    place = {"$metadata": {"$model": PLACE}, "tags": ["a", "b"], "position": point}
    await building.put(DigitalTwin(json=orjson.dumps(place)))
    await _merge(building, {"zone": {"box": {"width": 1.5}}})
    await _merge(
        building,
        {"tags": ["b"], "position": {"type": "Point", "coordinates": [15.4, 47.2]}, "zone": {"box": {"height": 2.5}}},
    )
    assert await _members(building) == {
        "tags": ["b"],
        "position": {"type": "Point", "coordinates": [15.4, 47.2]},
        "zone": {"box": {"width": 1.5, "height": 2.5}},
    }


async def test_members_of_a_component(building: Building):
    await building.add_room("room")
    await _merge(building, {"thermostat": {"serial": 7, "setpoint": None}})
    assert (await building.read("room")).components["thermostat"].properties == {"serial": value(7)}


@pytest.mark.parametrize("text", [False, True])
async def test_source_times_of_the_twin_and_of_its_component(building: Building, text: bool):
    await building.add_room("room", temperature=1.5)
    times = {"sourceTime": UNSTORED}
    changes = {
        "visits": 1,
        "$metadata": {"visits": times, "temperature": times},
        "thermostat": {"serial": 7, "$metadata": {"serial": times, "setpoint": times}},
    }
    await _merge(building, changes, text=text)
    twin = await building.read("room")
    for metadata in (
        twin.property_metadata["visits"],
        twin.property_metadata["temperature"],
        twin.components["thermostat"].property_metadata["serial"],
        twin.components["thermostat"].property_metadata["setpoint"],
    ):
        assert metadata.source_time.nanos == 123_456_700
    await _merge(building, {"$metadata": {"visits": {"sourceTime": None}, "temperature": None}}, text=text)
    twin = await building.read("room")
    assert not twin.property_metadata["visits"].HasField("source_time")
    assert not twin.property_metadata["temperature"].HasField("source_time")


async def test_another_model_together_with_a_property_of_it(building: Building):
    await building.add_room("room", temperature=1.5)
    await _merge(building, {"area": 12.5, "$metadata": {"$model": ROOM_2, "area": {"sourceTime": UNSTORED}}})
    twin = await building.read("room")
    assert (twin.model_id, twin.properties["area"]) == (ROOM_2, value(12.5))
    error = await refused(_merge(building, {"$metadata": {"$model": ROOM}}))
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "VALIDATION_FAILED")
    await _merge(building, {"area": None, "$metadata": {"$model": ROOM}})
    assert (await building.read("room")).model_id == ROOM


@pytest.mark.parametrize("changes", [{"temperature": 2.5}, {"temperature": 1.5}])
async def test_an_etag_that_is_not_current(building: Building, changes: dict[str, Any]):
    old = await building.add_room("room", temperature=1.0)
    current = await building.patch("room", replace("/temperature", 1.5))
    error = await refused(_merge(building, changes, if_match=old))
    assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
    assert error.metadata == {"digital_twin_id": "room"}
    (conflict,) = (detail for detail in error.details if isinstance(detail, EtagConflict))
    assert conflict == EtagConflict(resource="digitaltwins/room", expected_etag=old, current_etag=current)
    assert (await building.read("room")).etag == current


@pytest.mark.parametrize("if_match", ["", "*", 'W/"1"'])
async def test_a_twin_that_is_not_there(building: Building, if_match: str):
    error = await refused(_merge(building, {"temperature": 1.0}, if_match=if_match))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "TWIN_NOT_FOUND")


async def test_writers_who_merge_into_one_twin_at_once_all_succeed(building: Building):
    await building.add_room("room")
    merges = [_merge(building, {"labels": {f"writer {number}": "was here"}}) for number in range(20)]
    results = await asyncio.gather(*merges)
    assert all(merged.changed for merged in results)
    assert len({merged.etag for merged in results}) == 20
    labels = (await building.read_json("room"))["labels"]
    assert labels == {f"writer {number}": "was here" for number in range(20)}


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"color": 1}, 'merge.fields["color"]', "VALIDATION_FAILED"),
        ({"temperature": "warm"}, 'merge.fields["temperature"]', "VALIDATION_FAILED"),
        (
            {"address": {"city": 1, "number": 2}},
            'merge.fields["address"].object_value.fields["city"]',
            "VALIDATION_FAILED",
        ),
        ({"address": None, "labels": {"x": 1}}, 'merge.fields["labels"].object_value.fields["x"]', "VALIDATION_FAILED"),
        (
            {"labels": {"x/~y": 1, "z": "1"}},
            'merge.fields["labels"].object_value.fields["x/~y"]',
            "VALIDATION_FAILED",
        ),
        (
            {"thermostat": {"setpoint": "hot"}},
            'merge.fields["thermostat"].object_value.fields["setpoint"]',
            "VALIDATION_FAILED",
        ),
        ({"thermostat": None}, 'merge.fields["thermostat"]', "VALIDATION_FAILED"),
        ({"thermostat": 5}, 'merge.fields["thermostat"]', "VALIDATION_FAILED"),
        (
            {"$metadata": {"$model": "dtmi:nobody:has;1"}},
            'merge.fields["$metadata"].object_value.fields["$model"]',
            "VALIDATION_FAILED",
        ),
        (
            {"$metadata": {"$model": None}},
            'merge.fields["$metadata"].object_value.fields["$model"]',
            "INVALID_ARGUMENT",
        ),
        (
            {"$metadata": {"visits": {"sourceTime": UNSTORED}}},
            'merge.fields["$metadata"].object_value.fields["visits"].object_value.fields["sourceTime"]',
            "JSON_PATCH_INVALID",
        ),
        (
            {"$metadata": {"visits": {"lastUpdateTime": UNSTORED}}},
            'merge.fields["$metadata"].object_value.fields["visits"].object_value.fields["lastUpdateTime"]',
            "INVALID_ARGUMENT",
        ),
        (
            {"$metadata": {"$lastUpdateTime": UNSTORED}},
            'merge.fields["$metadata"].object_value.fields["$lastUpdateTime"]',
            "INVALID_ARGUMENT",
        ),
        (
            {"thermostat": {"$metadata": {"$model": ROOM}}},
            'merge.fields["thermostat"].object_value.fields["$metadata"].object_value.fields["$model"]',
            "INVALID_ARGUMENT",
        ),
        (
            {"thermostat": {"$id": 1}},
            'merge.fields["thermostat"].object_value.fields["$id"]',
            "JSON_PATCH_INVALID",
        ),
        ({"$metadata": None}, 'merge.fields["$metadata"]', "INVALID_ARGUMENT"),
        ({"$etag": 'W/"1"'}, 'merge.fields["$etag"]', "INVALID_ARGUMENT"),
        ({"$dtId": "other"}, 'merge.fields["$dtId"]', "INVALID_ARGUMENT"),
        ({"$dtId": None}, 'merge.fields["$dtId"]', "INVALID_ARGUMENT"),
        ({"$other": 1}, 'merge.fields["$other"]', "INVALID_ARGUMENT"),
        ({"": 1}, 'merge.fields[""]', "INVALID_ARGUMENT"),
    ],
)
async def test_what_does_not_fit_is_named(building: Building, changes: dict[str, Any], field: str, reason: str):
    before = await building.add_room("room", temperature=1.5, address={"city": "Graz"}, labels={})
    assert await refused_field(_merge(building, changes), reason) == field
    assert await refused_field(_merge(building, changes, text=True), reason) == "merge_json"
    assert (await building.read("room")).etag == before


async def test_each_of_several_faults_is_named(building: Building):
    await building.add_room("room")
    error = await refused(_merge(building, {"color": 1, "visits": "many", "temperature": 1.5}))
    assert sorted(fields(error)) == ['merge.fields["color"]', 'merge.fields["visits"]']


@pytest.mark.parametrize(
    ("request_fields", "field"),
    [
        ({}, "merge"),
        ({"merge": ObjectValue(), "merge_json": b"{}"}, "merge_json"),
        ({"merge_json": b"[]"}, "merge_json"),
        ({"merge_json": b"null"}, "merge_json"),
        ({"merge_json": b'{"a":NaN}'}, "merge_json"),
        ({"merge_json": b'{"a":"\\ud800"}'}, "merge_json"),
        ({"merge_json": b"\xff"}, "merge_json"),
        ({"merge_json": b'{"a":' * 900 + b"1" + b"}" * 900}, "merge_json"),
        ({"merge_json": b'{"a":' * 100_000}, "merge_json"),
        ({"merge": ObjectValue(fields={"a": Value()})}, 'merge.fields["a"]'),
        ({"merge": ObjectValue(fields={"a": Value(double_value=float("nan"))})}, 'merge.fields["a"]'),
        ({"merge": ObjectValue(), "if_match": "1"}, "if_match"),
        ({"merge": ObjectValue(), "digital_twin_id": ""}, "digital_twin_id"),
    ],
)
async def test_requests_that_are_no_merge(building: Building, request_fields: dict[str, Any], field: str):
    request = twins.MergeDigitalTwinRequest(**({"digital_twin_id": "room"} | request_fields))
    assert await refused_field(building.twins.MergeDigitalTwin(request)) == field


async def test_a_deep_merge_within_bounds_is_the_upstream_s_to_judge(building: Building):
    await building.add_room("room")
    request = twins.MergeDigitalTwinRequest(digital_twin_id="room", merge_json=b'{"note":' * 90 + b"1" + b"}" * 90)
    assert await refused_field(building.twins.MergeDigitalTwin(request), "VALIDATION_FAILED") == "merge_json"


async def test_a_dry_run_says_what_would_change_and_changes_nothing(building: Building):
    before = await building.add_room("room", temperature=1.5)
    request = twins.MergeDigitalTwinRequest(
        digital_twin_id="room", merge=_typed({"temperature": 2.5}), validate_only=True
    )
    response = await building.twins.MergeDigitalTwin(request)
    assert (response.changed, response.etag) == (True, "")
    request.merge.CopyFrom(_typed({"temperature": "warm"}))
    assert await refused_field(building.twins.MergeDigitalTwin(request), "VALIDATION_FAILED")
    assert (await building.read("room")).etag == before
