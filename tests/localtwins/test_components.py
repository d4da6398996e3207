"""Components: read on their own, patched on their own or through their twin."""

from typing import Any

import pytest

from .adt import Adt, add, remove, replace

PATH = "/digitaltwins/room/components/sensor"


async def test_a_component_is_answered_under_its_twins_etag(graph: Adt):
    twin = await graph.twin("room")
    answer = await graph.get(PATH)
    assert (answer.status, answer.etag, answer.body) == (200, twin["$etag"], twin["sensor"])


async def test_a_patch_moves_the_times_of_property_component_and_twin(graph: Adt):
    before = await graph.twin("room")
    answer = await graph.patch(PATH, replace("/reading", 2), add("/unit", "K"))
    assert answer.status == 204
    after = await graph.twin("room")
    now = after["$metadata"]["$lastUpdateTime"]
    assert after["$etag"] == answer.etag
    assert after["sensor"]["reading"] == 2
    assert after["sensor"]["$metadata"] == {
        "$lastUpdateTime": now,
        "reading": {"lastUpdateTime": now},
        "unit": {"lastUpdateTime": now},
    }
    assert after["$metadata"]["temperature"] == before["$metadata"]["temperature"]


@pytest.mark.parametrize("operations", [(remove("/reading"),), (replace("/reading", 2), remove("/reading"))])
async def test_a_removal_moves_the_twins_time_but_not_the_components(graph: Adt, operations: tuple[Any, ...]):
    before = await graph.twin("room")
    assert (await graph.patch(PATH, *operations)).status == 204
    after = await graph.twin("room")
    assert after["sensor"] == {"$metadata": {"$lastUpdateTime": before["$metadata"]["$lastUpdateTime"]}}
    assert after["$metadata"]["$lastUpdateTime"] > before["$metadata"]["$lastUpdateTime"]


@pytest.mark.parametrize("slash", ["/", ""])
async def test_a_component_can_be_patched_through_its_twin(graph: Adt, slash: str):
    source_time = "2022-01-01T00:00:00Z"
    operations = (
        replace("/sensor/reading", 3),
        add(f"{slash}sensor/$metadata/reading/sourceTime", source_time),
    )
    assert (await graph.patch("/digitaltwins/room", *operations)).status == 204
    component = (await graph.get(PATH)).body
    assert component["reading"] == 3
    assert component["$metadata"]["reading"]["sourceTime"] == source_time


async def test_source_time_of_a_components_property_can_be_patched(graph: Adt):
    assert (await graph.patch(PATH, add("/$metadata/reading/sourceTime", "2022-01-01"))).status == 204
    assert (await graph.patch(PATH, replace("/reading", 9))).status == 204
    assert (await graph.get(PATH)).body["$metadata"]["reading"]["sourceTime"] == "2022-01-01"


async def test_the_result_must_conform(graph: Adt):
    answer = await graph.patch(PATH, add("/colour", "red"))
    assert (answer.code, answer.details) == ("ValidationFailed", ["colour does not appear on the DTDL for sensor."])
    answer = await graph.patch(PATH, replace("/reading", "high"))
    assert answer.details == ["Expected value of type double for reading on sensor."]


async def test_a_component_that_is_not_there_is_not_found(graph: Adt):
    for name in ("heater", "temperature", "$metadata"):
        answer = await graph.get(f"/digitaltwins/room/components/{name}")
        assert (answer.status, answer.code) == (404, "ComponentNotFound")
        answer = await graph.patch(f"/digitaltwins/room/components/{name}", replace("/x", 1))
        assert (answer.status, answer.code) == (400, "JsonPatchInvalid")
        assert answer.message.startswith(f"/{name}/x was not found. ")
        assert (await graph.patch(f"/digitaltwins/room/components/{name}")).code == "ComponentNotFound"
    assert (await graph.get("/digitaltwins/nobody/components/sensor")).code == "DigitalTwinNotFound"
    assert (await graph.patch("/digitaltwins/nobody/components/sensor", {})).code == "DigitalTwinNotFound"


async def test_an_empty_patch_writes_nothing_and_is_answered_without_an_etag(graph: Adt):
    before = await graph.twin("room")
    for condition in ({}, {"if_match": before["$etag"]}, {"if_match": "*"}):
        answer = await graph.patch(PATH, **condition)
        assert (answer.status, answer.body) == (204, None)
        assert "ETag" not in answer.headers
    assert await graph.twin("room") == before


async def test_an_empty_patch_is_held_to_its_condition_and_its_path(graph: Adt):
    assert (await graph.patch(PATH, if_match='W/"old"')).status == 412
    assert (await graph.patch("/digitaltwins/room/components/none")).code == "ComponentNotFound"
    assert (await graph.patch("/digitaltwins/none/components/sensor")).code == "DigitalTwinNotFound"


async def test_if_match_is_the_twins_etag(graph: Adt):
    old = (await graph.twin("room"))["$etag"]
    await graph.patch("/digitaltwins/room", replace("/temperature", 1))
    assert (await graph.patch(PATH, replace("/reading", 2), if_match=old)).status == 412
    new = (await graph.twin("room"))["$etag"]
    assert (await graph.patch(PATH, replace("/reading", 2), if_match=new)).status == 204


async def test_the_model_cannot_be_changed_from_a_component(graph: Adt):
    answer = await graph.patch(PATH, replace("/$metadata/$model", "dtmi:test:Machine;1"))
    assert answer.code == "JsonPatchInvalid"
