"""Digital twins: written, read, changed, deleted."""

from datetime import UTC, datetime

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1.digital_twin_pb2 import DigitalTwin, PropertyMetadata

from .building import FLOOR, ROOM, ROOM_2, Building, add, remove, replace, room, value
from .refusal import fields, refused

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1


def _put(digital_twin_id: str, twin: DigitalTwin, **fields: str) -> twins.CreateOrReplaceDigitalTwinRequest:
    return twins.CreateOrReplaceDigitalTwinRequest(
        digital_twin_id=digital_twin_id, digital_twin=twin, if_none_match=fields.get("if_none_match", "")
    )


async def test_a_created_twin_is_answered_whole_and_read_back_equal(building: Building):
    twin = room(temperature=21.5, visits=3, occupied=True, note="ä", address={"city": "Graz", "number": 7})
    created = await building.twins.CreateOrReplaceDigitalTwin(_put("room", twin))
    answered = created.digital_twin
    assert (answered.id, answered.etag, answered.model_id) == ("room", created.etag, ROOM)
    assert answered.properties == twin.properties
    assert answered.components["thermostat"].properties == twin.components["thermostat"].properties
    read = await building.twins.GetDigitalTwin(twins.GetDigitalTwinRequest(digital_twin_id="room"))
    assert (read.digital_twin, read.etag) == (answered, created.etag)


async def test_times_are_those_of_the_write(building: Building):
    before = datetime.now(UTC).timestamp()
    await building.add_room("room", temperature=1.0)
    twin = await building.read("room")
    after = datetime.now(UTC).timestamp()
    for time in (
        twin.last_update_time,
        twin.property_metadata["temperature"].last_update_time,
        twin.components["thermostat"].last_update_time,
    ):
        assert int(before) <= time.seconds <= after
        assert time.nanos % 100 == 0


async def test_replacing_drops_what_the_request_does_not_have(building: Building):
    await building.add_room("room", temperature=1.0, note="old")
    await building.add_room("room", visits=2)
    assert set((await building.read("room")).properties) == {"visits"}


async def test_every_write_gives_the_etag_that_is_then_read(building: Building):
    created = await building.add_room("room", temperature=1.0)
    replaced = await building.add_room("room", temperature=2.0)
    patched = await building.patch("room", replace("/temperature", 3.0))
    emptily_patched = await building.patch("room")
    assert len({created, replaced, patched, emptily_patched}) == 4
    assert (await building.read("room")).etag == emptily_patched


async def test_several_properties_change_in_one_patch(building: Building):
    await building.add_room("room", temperature=1.0, note="old")
    await building.patch("room", replace("/temperature", 2.5), remove("/note"), add("/occupied", False))
    assert (await building.read("room")).properties == {"temperature": value(2.5), "occupied": value(False)}


async def test_a_patch_applies_whole_or_not_at_all(building: Building):
    etag = await building.add_room("room", temperature=1.0)
    error = await refused(building.patch("room", replace("/temperature", 2.0), replace("/visits", 1)))
    assert (error.reason, fields(error)) == ("JSON_PATCH_INVALID", ["patch[1].path"])
    twin = await building.read("room")
    assert (twin.etag, twin.properties["temperature"]) == (etag, value(1.0))


async def test_an_object_is_added_and_then_its_members_are_replaced(building: Building):
    await building.add_room("room")
    await building.patch("room", add("/address", {"city": "Graz"}))
    await building.patch("room", replace("/address/city", "Wien"), add("/address/number", 7))
    assert (await building.read("room")).properties["address"] == value({"city": "Wien", "number": 7})


async def test_names_in_maps_may_need_escapes(building: Building):
    await building.add_room("room", labels={"a/b": "1"})
    await building.patch("room", replace("/labels/a~1b", "2"), add("/labels/c~0d", "3"))
    assert (await building.read("room")).properties["labels"] == value({"a/b": "2", "c~d": "3"})


async def test_a_component_s_property_changes_by_its_path(building: Building):
    await building.add_room("room")
    await building.patch("room", replace("/thermostat/setpoint", 18.5))
    assert (await building.read("room")).components["thermostat"].properties["setpoint"] == value(18.5)


async def test_a_twin_moves_to_another_model_together_with_a_property_of_it(building: Building):
    await building.add_room("room", temperature=1.0)
    await building.patch("room", replace("/$metadata/$model", ROOM_2), add("/area", 12.5))
    twin = await building.read("room")
    assert (twin.model_id, twin.properties["area"]) == (ROOM_2, value(12.5))


async def test_a_source_time_is_kept_when_only_the_value_changes(building: Building):
    observed = Timestamp(seconds=1_600_000_000, nanos=123_456_700)
    twin = room(temperature=1.0)
    twin.property_metadata["temperature"].CopyFrom(PropertyMetadata(source_time=observed))
    await building.twins.CreateOrReplaceDigitalTwin(_put("room", twin))
    await building.patch("room", replace("/temperature", 2.0))
    assert (await building.read("room")).property_metadata["temperature"].source_time == observed


async def test_a_source_time_is_written_by_patch(building: Building):
    await building.add_room("room", temperature=1.0)
    await building.patch("room", replace("/$metadata/temperature/sourceTime", "2020-09-13T12:26:40.1234567Z"))
    assert (await building.read("room")).property_metadata["temperature"].source_time.nanos == 123_456_700


@pytest.mark.parametrize("number", [INT64_MIN, INT64_MAX, 2**53 + 1, 0, -1])
async def test_long_integers_are_kept_to_the_last_digit(building: Building, number: int):
    await building.add_room("room", visits=number)
    assert (await building.read("room")).properties["visits"].int_value == number
    assert (await building.read_json("room"))["visits"] == number
    await building.add_room("other", visits=0)
    await building.patch("other", replace("/visits", number))
    assert (await building.read("other")).properties["visits"].int_value == number


async def test_long_integers_in_json_are_kept_to_the_last_digit(building: Building):
    thermostat = f'{{"$metadata":{{}},"serial":{INT64_MAX}}}'
    text = f'{{"$metadata":{{"$model":"{ROOM}"}},"visits":{INT64_MIN},"thermostat":{thermostat}}}'
    await building.twins.CreateOrReplaceDigitalTwin(_put("room", DigitalTwin(json=text.encode())))
    twin = await building.read("room")
    assert twin.properties["visits"].int_value == INT64_MIN
    assert twin.components["thermostat"].properties["serial"].int_value == INT64_MAX


async def test_creating_only_fails_if_there_is_one(building: Building):
    await building.twins.CreateOrReplaceDigitalTwin(_put("room", room(visits=1), if_none_match="*"))
    error = await refused(building.twins.CreateOrReplaceDigitalTwin(_put("room", room(visits=2), if_none_match="*")))
    assert (error.code, error.reason) == (grpc.StatusCode.ALREADY_EXISTS, "TWIN_ALREADY_EXISTS")
    assert error.metadata == {"digital_twin_id": "room"}
    assert (await building.read("room")).properties["visits"] == value(1)


async def test_a_deleted_twin_is_gone(building: Building):
    await building.add_room("room")
    await building.twins.DeleteDigitalTwin(twins.DeleteDigitalTwinRequest(digital_twin_id="room"))
    error = await refused(building.read("room"))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "TWIN_NOT_FOUND")


@pytest.mark.parametrize("if_match", ["", "*", 'W/"1"'])
async def test_a_twin_that_is_not_there(building: Building, if_match: str):
    calls = [
        building.read("nobody"),
        building.patch("nobody", replace("/temperature", 1.0), if_match=if_match),
        building.twins.DeleteDigitalTwin(twins.DeleteDigitalTwinRequest(digital_twin_id="nobody", if_match=if_match)),
    ]
    for call in calls:
        error = await refused(call)  # type: ignore[arg-type]
        assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "TWIN_NOT_FOUND")
        assert error.metadata == {"digital_twin_id": "nobody"}


@pytest.mark.parametrize(
    "digital_twin_id", ["a b", "raum-ä", "\U0001f3e2", "a:b;c=d&e+f", "a.b", "%41", "~", "(a)", "x" * 128]
)
async def test_ids_of_all_kinds(building: Building, digital_twin_id: str):
    await building.add_room(digital_twin_id, visits=1)
    assert (await building.read(digital_twin_id)).id == digital_twin_id
    await building.add_floor("floor")
    await building.connect("floor", digital_twin_id, digital_twin_id, "contains")
    error = await refused(
        building.twins.DeleteDigitalTwin(twins.DeleteDigitalTwinRequest(digital_twin_id=digital_twin_id))
    )
    assert error.metadata == {"digital_twin_id": digital_twin_id}


async def test_models_tell_twins_apart(building: Building):
    await building.add_floor("floor")
    assert (await building.read("floor")).model_id == FLOOR
