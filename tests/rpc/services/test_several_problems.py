"""A patch or a merge in which several things are wrong: each is a violation of its own, with the path of its field."""

import json
from collections.abc import Awaitable
from typing import Any

import grpc.aio
import pytest
from google.rpc.error_details_pb2 import BadRequest

from twinfront.errors import from_rpc_error
from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1 import model_service_pb2 as models
from twinfront.v1 import relationship_service_pb2 as relationships
from twinfront.v1.digital_twin_pb2 import DigitalTwin
from twinfront.v1.digital_twin_service_pb2 import DigitalTwinWrite
from twinfront.v1.value_pb2 import ObjectValue
from twinfront_server.errors import MAX_STATUS_BYTES

from .building import ROOM, Building, add, interface, remove, replace, room, value

NARROW = "dtmi:example:building:Narrow;1"
"""A model that a room does not fit: other types, fewer members."""


@pytest.fixture(autouse=True)
async def furnished(building: Building) -> None:
    contents = [
        {"@type": "Property", "name": "temperature", "schema": "string"},
        {"@type": "Property", "name": "note", "schema": "long"},
    ]
    await building.models.CreateModels(models.CreateModelsRequest(dtdl_models=[interface(NARROW, contents)]))
    await building.add_room("room", temperature=1.5, visits=3, note="n", labels={"a": "b"})
    await building.add_room("hall")
    await building.connect("room", "door", "hall")


async def violations(call: Awaitable[object]) -> list[tuple[str, str]]:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    trailers: dict[str, str | bytes] = dict(refused.value.trailing_metadata())
    assert len(trailers["grpc-status-details-bin"]) < MAX_STATUS_BYTES
    (found,) = (detail for detail in from_rpc_error(refused.value).details if isinstance(detail, BadRequest))
    return [(violation.field, violation.description) for violation in found.field_violations]


def _merge(building: Building, changes: dict[str, Any], *, as_json: bool = False) -> Awaitable[object]:
    request = twins.MergeDigitalTwinRequest(digital_twin_id="room")
    if as_json:
        request.merge_json = json.dumps(changes).encode()
    else:
        request.merge.CopyFrom(ObjectValue(fields={name: value(item) for name, item in changes.items()}))
    called: Awaitable[object] = building.twins.MergeDigitalTwin(request)
    return called


WRONG = {
    "temperature": "Expected value of type double for temperature on Twin.",
    "visits": "Expected value of type long for visits on Twin.",
    "unheardOf": "unheardOf does not appear on the DTDL for Twin.",
}


async def test_operations_of_a_patch(building: Building):
    operations = [add("/temperature", "warm"), add("/note", "fine"), add("/visits", 1.5), add("/unheardOf", 1)]
    found = await violations(building.patch("room", *operations))
    assert dict(found) == {
        "patch[0].value": WRONG["temperature"],
        "patch[2].value": WRONG["visits"],
        "patch[3].value": WRONG["unheardOf"],
    }
    assert len(found) == 3


async def test_a_new_model_that_does_not_fit(building: Building):
    operations = [replace("/visits", 4), replace("/$metadata/$model", NARROW)]
    found = await violations(building.patch("room", *operations))
    assert ("patch[0].value", "visits does not appear on the DTDL for Twin.") in found
    assert ("patch[1].value", "Expected value of type string for temperature on Twin.") in found
    assert ("patch[1].value", "Expected value of type long for note on Twin.") in found
    assert ("patch[1].value", "labels does not appear on the DTDL for Twin.") in found
    assert len(found) == len(set(found)) >= 4
    assert "patch" not in dict(found)


async def test_members_of_a_merge(building: Building):
    found = await violations(_merge(building, {"temperature": "warm", "visits": 1.5, "unheardOf": 1}))
    assert dict(found) == {f'merge.fields["{name}"]': text for name, text in WRONG.items()}
    assert len(found) == 3


async def test_members_of_a_merge_in_json(building: Building):
    found = await violations(_merge(building, {"temperature": "warm", "visits": 1.5, "unheardOf": 1}, as_json=True))
    assert sorted(found) == [("merge_json", text) for text in sorted(WRONG.values())]


async def test_a_merge_of_another_model(building: Building):
    found = await violations(_merge(building, {"$metadata": {"$model": NARROW}}))
    field = 'merge.fields["$metadata"].object_value.fields["$model"]'
    assert {each for each, _ in found} == {field}
    assert len(found) == len(set(found)) >= 4


async def test_operations_of_a_patch_of_a_component(building: Building):
    operations = [add("/setpoint", "hot"), add("/serial", 1.5), add("/unheardOf", 1)]
    request = twins.UpdateComponentRequest(digital_twin_id="room", component_name="thermostat", patch=operations)
    found = await violations(building.twins.UpdateComponent(request))
    assert [field for field, _ in sorted(found)] == ["patch[0].value", "patch[1].value", "patch[2].value"]


async def test_operations_of_a_patch_of_a_relationship(building: Building):
    operations = [add("/weight", "heavy"), add("/unheardOf", 1)]
    request = relationships.UpdateRelationshipRequest(digital_twin_id="room", relationship_id="door", patch=operations)
    found = await violations(building.relationships.UpdateRelationship(request))
    assert [field for field, _ in sorted(found)] == ["patch[0].value", "patch[1].value"]


async def test_a_replacement_under_an_etag(building: Building):
    etag = (await building.read("room")).etag
    twin = room(temperature="warm", visits=1.5, unheardOf=1)
    request = twins.CreateOrReplaceDigitalTwinRequest(digital_twin_id="room", digital_twin=twin, if_match=etag)
    found = await violations(building.twins.CreateOrReplaceDigitalTwin(request))
    assert dict(found) == {f'digital_twin.properties["{name}"]': text for name, text in WRONG.items()}


async def test_writes_of_a_batch(building: Building):
    operations = [add("/temperature", "warm"), add("/visits", 1.5)]
    merge = ObjectValue(fields={"temperature": value("warm"), "unheardOf": value(1)})
    writes = [
        DigitalTwinWrite(digital_twin_id="room", patch=DigitalTwinWrite.Patch(operations=operations)),
        DigitalTwinWrite(digital_twin_id="hall", merge=DigitalTwinWrite.Merge(merge=merge)),
        DigitalTwinWrite(digital_twin_id="new", create_or_replace=DigitalTwin(model_id=ROOM)),
    ]
    response = await building.twins.BatchWriteDigitalTwins(twins.BatchWriteDigitalTwinsRequest(writes=writes))
    fields = []
    for result in response.results:
        found = BadRequest()
        assert any(detail.Unpack(found) for detail in result.status.details)
        fields.append(sorted(violation.field for violation in found.field_violations))
    assert fields == [
        ["writes[0].patch.operations[0].value", "writes[0].patch.operations[1].value"],
        ['writes[1].merge.merge.fields["temperature"]', 'writes[1].merge.merge.fields["unheardOf"]'],
        ['writes[2].create_or_replace.components["thermostat"]'],
    ]


@pytest.mark.parametrize("key", ["a/b", "a~b", "~1", "a b", "/", "~"])
async def test_names_with_what_a_path_escapes_keep_their_path(building: Building, key: str):
    escaped = key.replace("~", "~0").replace("/", "~1")
    ((field, _),) = await violations(building.patch("room", replace("/visits", 1), remove(f"/labels/{escaped}")))
    assert field == "patch[1].path"
    ((field, _),) = await violations(building.patch("room", replace("/visits", 1), add(f"/labels/{escaped}", 1)))
    assert field == "patch[1].value"


@pytest.mark.parametrize("name", ["a/b", "a~b", "~1", "/", "//", "a/", "/a", "visits/b"])
async def test_unknown_properties_with_what_a_path_escapes_keep_their_path(building: Building, name: str):
    escaped = name.replace("~", "~0").replace("/", "~1")
    operations = [replace("/visits", "x"), add(f"/{escaped}", 1), add(f"/thermostat/{escaped}", 1)]
    found = await violations(building.patch("room", *operations))
    assert sorted(field for field, _ in found) == ["patch[0].value", "patch[1].value", "patch[2].value"]


@pytest.mark.parametrize("name", ["a/b", "a~b", "~1", "/", "//", "a/", "/a", "visits/b"])
@pytest.mark.parametrize("under_an_etag", [False, True])
async def test_unknown_properties_of_a_whole_twin_are_named_as_they_were_sent(
    building: Building, name: str, under_an_etag: bool
):
    twin = DigitalTwin(model_id=ROOM)
    for owner in (twin, twin.components["thermostat"]):
        owner.properties[name].int_value = 1
    request = twins.CreateOrReplaceDigitalTwinRequest(digital_twin_id="room", digital_twin=twin)
    if under_an_etag:
        request.if_match = (await building.read("room")).etag
    found = await violations(building.twins.CreateOrReplaceDigitalTwin(request))
    inside = f"properties[{json.dumps(name)}]"
    assert [field for field, _ in sorted(found)] == [
        f'digital_twin.components["thermostat"].{inside}',
        f"digital_twin.{inside}",
    ]


async def test_more_problems_than_a_status_has_room_for(building: Building):
    found = await violations(building.patch("room", *(add(f"/unheard{number}", 1) for number in range(500))))
    assert len(found) == len(set(found)) >= 10
