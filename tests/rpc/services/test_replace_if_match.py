"""Replacing a twin under an etag, which Azure's own PUT cannot."""

import asyncio
from typing import Any

import grpc
import orjson
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from twinfront.v1 import digital_twin_service_pb2 as twins
from twinfront.v1.digital_twin_pb2 import Component, DigitalTwin, PropertyMetadata
from twinfront.v1.error_details_pb2 import EtagConflict
from twinfront.v1.representation_pb2 import Representation

from .building import ROOM, ROOM_2, Building, replace, room, value
from .refusal import refused, refused_field


async def _replace(
    building: Building, twin: DigitalTwin, if_match: str, **fields: Any
) -> twins.CreateOrReplaceDigitalTwinResponse:
    """Replaces the twin `room`."""
    request = twins.CreateOrReplaceDigitalTwinRequest(
        digital_twin_id="room", digital_twin=twin, if_match=if_match, **fields
    )
    response: twins.CreateOrReplaceDigitalTwinResponse = await building.twins.CreateOrReplaceDigitalTwin(request)
    return response


def _json(**members: object) -> DigitalTwin:
    document = {"$metadata": {"$model": ROOM}, "thermostat": {"$metadata": {}}} | members
    return DigitalTwin(json=orjson.dumps(document))


@pytest.mark.parametrize("any_etag", [False, True])
async def test_the_twin_becomes_what_the_request_says(building: Building, any_etag: bool):
    before = await building.add_room("room", temperature=1.5, note="old", address={"city": "Graz", "number": 7})
    wanted = room(ROOM_2, visits=3, address={"city": "Wien"}, area=12.5, labels={"a/b~": "1"})
    wanted.components["thermostat"].CopyFrom(Component(properties={"serial": value(7)}))
    answer = await _replace(building, wanted, "*" if any_etag else before)
    twin = await building.read("room")
    assert (twin.model_id, twin.properties) == (ROOM_2, wanted.properties)
    assert twin.components["thermostat"].properties == wanted.components["thermostat"].properties
    assert (answer.digital_twin, answer.etag) == (twin, twin.etag)
    assert answer.etag != before


async def test_the_answer_in_json_is_the_twin_as_it_is_stored(building: Building):
    before = await building.add_room("room", temperature=1.5)
    answer = await _replace(building, _json(visits=3), before, representation=Representation.REPRESENTATION_JSON)
    assert orjson.loads(answer.digital_twin.json) == await building.read_json("room")
    assert "temperature" not in await building.read_json("room")


async def test_source_times_are_those_of_the_request(building: Building):
    old, new = Timestamp(seconds=1_600_000_000), Timestamp(seconds=1_700_000_000)
    twin = room(temperature=1.5, visits=1, note="a")
    for name in ("temperature", "visits"):
        twin.property_metadata[name].CopyFrom(PropertyMetadata(source_time=old))
    before = (await building.put(twin)).etag
    del twin.property_metadata["visits"]
    for name in ("temperature", "note"):
        twin.property_metadata[name].CopyFrom(PropertyMetadata(source_time=new))
    twin.components["thermostat"].property_metadata["setpoint"].CopyFrom(PropertyMetadata(source_time=new))
    stored = (await _replace(building, twin, before)).digital_twin
    times = {name: metadata.source_time for name, metadata in stored.property_metadata.items()}
    assert times == {"temperature": new, "note": new, "visits": Timestamp()}
    assert stored.components["thermostat"].property_metadata["setpoint"].source_time == new


async def test_the_same_state_again_gets_a_new_etag(building: Building):
    before = await building.add_room("room", temperature=1.5)
    after = (await _replace(building, room(temperature=1.5), before)).etag
    assert after != before
    assert (await building.read("room")).etag == after


async def test_an_etag_that_is_not_current(building: Building):
    old = await building.add_room("room", temperature=1.0)
    current = await building.patch("room", replace("/temperature", 1.5))
    error = await refused(_replace(building, room(visits=1), old))
    assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
    (conflict,) = (detail for detail in error.details if isinstance(detail, EtagConflict))
    assert conflict == EtagConflict(resource="digitaltwins/room", expected_etag=old, current_etag=current)
    assert (await building.read("room")).etag == current


async def test_of_writers_with_one_etag_one_wins(building: Building):
    before = await building.add_room("room", temperature=1.0)
    replacements = [_replace(building, room(visits=number), before) for number in range(10)]
    outcomes = await asyncio.gather(*replacements, return_exceptions=True)
    (winner,) = (outcome for outcome in outcomes if not isinstance(outcome, BaseException))
    assert (await building.read("room")).etag == winner.etag
    losers = [outcome for outcome in outcomes if isinstance(outcome, grpc.aio.AioRpcError)]
    assert {loser.code() for loser in losers} == {grpc.StatusCode.ABORTED}
    assert len(losers) == 9


async def test_writers_who_replace_any_state_all_succeed(building: Building):
    await building.add_room("room")
    answers = await asyncio.gather(*(_replace(building, room(visits=number), "*") for number in range(10)))
    for number, answer in enumerate(answers):
        # Each is answered with its own state, whatever others have made of the twin since.
        assert (answer.digital_twin.properties["visits"], answer.digital_twin.etag) == (value(number), answer.etag)
        assert answer.digital_twin.id == "room"
        assert answer.digital_twin.components["thermostat"].properties == {"setpoint": value(20.0)}


@pytest.mark.parametrize("if_match", ["*", 'W/"1"'])
async def test_a_twin_that_is_not_there_is_not_created(building: Building, if_match: str):
    for _ in range(2):
        error = await refused(_replace(building, room(visits=1), if_match))
        assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "TWIN_NOT_FOUND")


async def test_both_conditions_at_once_are_refused(building: Building):
    assert await refused_field(_replace(building, room(), "*", if_none_match="*")) == "if_none_match"


@pytest.mark.parametrize(
    ("twin", "field"),
    [
        (room(color="red"), 'digital_twin.properties["color"]'),
        (room(temperature="warm"), 'digital_twin.properties["temperature"]'),
        (room(address={"city": 1}), 'digital_twin.properties["address"]'),
        (room("dtmi:nobody:has;1"), "digital_twin.model_id"),
        (DigitalTwin(model_id=ROOM), 'digital_twin.components["thermostat"]'),
        (
            DigitalTwin(model_id=ROOM, components={"thermostat": Component(properties={"mode": value(1)})}),
            'digital_twin.components["thermostat"].properties["mode"]',
        ),
        (_json(color="red"), "digital_twin.json"),
        (_json(temperature=None), "digital_twin.json"),
        (_json(thermostat={"setpoint": 1.0}), "digital_twin.json"),
        (_json(thermostat=None), "digital_twin.json"),
        (_json(thermostat={"$metadata": 5}), "digital_twin.json"),
        (_json(thermostat={"$metadata": {}, "$id": 5}), "digital_twin.json"),
        (_json(**{"$metadata": {}}), "digital_twin.json"),
        (_json(**{"$metadata": 5}), "digital_twin.json"),
        (_json(**{"$metadata": {"$model": ROOM, "visits": 5}, "visits": 5}), "digital_twin.json"),
        (_json(**{"$metadata": {"$model": ROOM, "visits": {"sourceTime": 5}}, "visits": 5}), "digital_twin.json"),
        (_json(**{"$metadata": {"$model": ROOM, "note": {"sourceTime": "2020-01-01"}}}), "digital_twin.json"),
        (
            DigitalTwin(model_id=ROOM, property_metadata={"note": PropertyMetadata(source_time=Timestamp(seconds=1))}),
            "digital_twin",
        ),
        (_json(**{"$name": 5}), "digital_twin.json"),
    ],
)
async def test_what_does_not_fit_is_named_as_without_the_condition(building: Building, twin: DigitalTwin, field: str):
    before = await building.add_room("room", temperature=1.5, visits=1)
    unconditional = refused_field(_replace(building, twin, ""), "VALIDATION_FAILED")
    conditional = refused_field(_replace(building, twin, before), "VALIDATION_FAILED")
    assert (await unconditional, await conditional) == (field, field)
    assert (await building.read("room")).etag == before


@pytest.mark.parametrize("conditional", [False, True])
async def test_an_id_under_another_name_is_dropped(building: Building, conditional: bool):
    before = await building.add_room("room")
    answer = await _replace(building, _json(**{"$id": "room", "visits": 3}), before if conditional else "")
    assert answer.digital_twin.properties == {"visits": value(3)}


async def test_json_that_is_nested_too_deeply(building: Building):
    before = await building.add_room("room")
    twin = DigitalTwin(json=b'{"$metadata":{"$model":"%s"},"note":%s}' % (ROOM.encode(), b"[" * 900 + b"]" * 900))
    assert await refused_field(_replace(building, twin, before)) == "digital_twin.json"


async def test_a_dry_run_answers_the_twin_to_be_and_changes_nothing(building: Building):
    before = await building.add_room("room", temperature=1.5)
    answer = await _replace(building, room(visits=3), before, validate_only=True)
    assert answer.digital_twin.properties == {"visits": value(3)}
    assert (answer.etag, answer.digital_twin.etag) == ("", "")
    assert (await building.read("room")).etag == before


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({"$odd": 1}, "'$odd' is not a name that Twin can have."),
        ({"": 1}, "'' is not a name that Twin can have."),
        ({"thermostat": {"$metadata": {}, "$odd": 1}}, "'$odd' is not a name that thermostat can have."),
        ({"thermostat": {"$metadata": 1}}, "$metadata of thermostat is not an object."),
        ({"$metadata": {"$model": ROOM, "note": 1}}, "$metadata of note on Twin is not an object."),
        (
            {"$metadata": {"$model": ROOM, "note": {"sourceTime": "2020-01-01T00:00:00Z"}}},
            "$metadata of Twin has a sourceTime for note, which has no value.",
        ),
        ({"$metadata": {}}, "Twin is missing $metadata with the id of its model in $model."),
    ],
)
async def test_what_a_patch_has_no_place_for_is_told_of_the_twin_or_its_component(
    building: Building, members: dict[str, object], told: str
):
    before = await building.add_room("room")
    error = await refused(_replace(building, _json(**members), before))
    assert (error.reason, error.message) == ("VALIDATION_FAILED", f"digital_twin.json: {told}")
