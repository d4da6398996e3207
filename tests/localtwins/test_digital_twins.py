"""Digital twins: create, replace, get, patch, delete."""

import re
from typing import Any

import pytest

from localtwins import LocalTwins, Settings

from .adt import MACHINE_TWIN, MODELS, ROOM_TWIN, SPACE_TWIN, Adt, add, remove, replace

SOURCE_TIME = "2021-11-30T18:47:53.7648958Z"
UPDATED = "lastUpdateTime"


def no_time_left(value: Any) -> Any:
    """A document with all times alike."""
    if isinstance(value, dict):
        return {name: "time" if name.lstrip("$") == UPDATED else no_time_left(member) for name, member in value.items()}
    return value


async def test_a_twin_is_answered_in_the_services_form(adt: Adt):
    answer = await adt.put("/digitaltwins/room", ROOM_TWIN)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert re.fullmatch(r'W/"[0-9a-f-]{36}"', answer.etag)
    assert no_time_left(answer.body) == {
        "$dtId": "room",
        "$etag": answer.etag,
        "temperature": 20.5,
        "sensor": {"reading": 1, "$metadata": {"$lastUpdateTime": "time", "reading": {UPDATED: "time"}}},
        "$metadata": {"$model": "dtmi:test:Room;1", "$lastUpdateTime": "time", "temperature": {UPDATED: "time"}},
    }
    assert list(answer.body) == ["$dtId", "$etag", "temperature", "sensor", "$metadata"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", answer.body["$metadata"]["$lastUpdateTime"])
    got = await adt.get("/digitaltwins/room")
    assert (got.status, got.etag, got.body) == (200, answer.etag, answer.body)


async def test_properties_keep_the_order_and_the_numbers_of_the_request(adt: Adt):
    body = {"seats": 68, "label": "é\u0000 𝄞", "temperature": 68.0, **ROOM_TWIN, "limits": {"b": 1, "a": 2.50}}
    await adt.put("/digitaltwins/room", body)
    twin = await adt.twin("room")
    assert list(twin) == ["$dtId", "$etag", "seats", "label", "temperature", "sensor", "limits", "$metadata"]
    assert list(twin["limits"]) == ["b", "a"]
    assert twin["label"] == "é\u0000 𝄞"
    assert type(twin["seats"]) is int
    assert type(twin["temperature"]) is float


async def test_ids_and_etags_in_the_body_do_not_count(adt: Adt):
    answer = await adt.put("/digitaltwins/hall", {**SPACE_TWIN, "$dtId": "other", "$etag": None})
    assert answer.status == 200
    assert answer.body["$dtId"] == "hall"


async def test_a_replacement_resets_every_time_and_drops_what_it_leaves_out(graph: Adt):
    before = await graph.twin("room")
    answer = await graph.put("/digitaltwins/room", {**ROOM_TWIN, "seats": 4})
    assert answer.etag != before["$etag"]
    after = await graph.twin("room")
    assert after["$metadata"]["temperature"][UPDATED] > before["$metadata"]["temperature"][UPDATED]
    await graph.put("/digitaltwins/room", {"$metadata": ROOM_TWIN["$metadata"], "sensor": {"$metadata": {}}})
    final = await graph.twin("room")
    assert "temperature" not in final
    assert list(final["$metadata"]) == ["$model", "$lastUpdateTime"]
    assert final["sensor"] == {"$metadata": {"$lastUpdateTime": final["$metadata"]["$lastUpdateTime"]}}


async def test_a_replacement_keeps_the_relationships(graph: Adt):
    await graph.put("/digitaltwins/room/relationships/r", {"$relationshipName": "linkedTo", "$targetId": "hall"})
    await graph.put("/digitaltwins/room", ROOM_TWIN)
    assert (await graph.get("/digitaltwins/room/relationships/r")).status == 200


async def test_what_a_get_answered_can_be_put_back(graph: Adt):
    twin = await graph.twin("room")
    answer = await graph.put("/digitaltwins/room", twin)
    assert no_time_left({**answer.body, "$etag": ""}) == no_time_left({**twin, "$etag": ""})


async def test_create_only_fails_on_a_twin_that_is_there(graph: Adt):
    answer = await graph.put("/digitaltwins/room", ROOM_TWIN, if_none_match="*")
    assert (answer.status, answer.code) == (412, "PreconditionFailed")
    assert "a twin with the id room was found" in answer.message
    assert (await graph.put("/digitaltwins/new", ROOM_TWIN, if_none_match="*")).status == 200


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"colour": 1}, "colour does not appear on the DTDL for Twin."),
        ({"Temperature": 1}, "Temperature does not appear on the DTDL for Twin."),
        ({"temperature": "warm"}, "Expected value of type double for temperature on Twin."),
        ({"temperature": None}, "Expected value of type double for temperature on Twin."),
        ({"seats": 1.0}, "Expected value of type integer for seats on Twin."),
        ({"seats": 2**31}, "Expected value of type integer for seats on Twin."),
        ({"noise": 1}, "noise is not a property - it is a Telemetry."),
        ({"linkedTo": 1}, "linkedTo is not a property - it is a Relationship."),
        ({"address": {"zip": "1"}}, "address/zip does not appear on the DTDL for Twin."),
        ({"address": {"street": 1}}, "Expected value of type string for address/street on Twin."),
        ({"tags": ["a", 1]}, "Expected value of type string for tags/1 on Twin."),
        ({"limits": {"a": "x"}}, "Expected value of type double for limits/a on Twin."),
        ({"sensor": {"$metadata": {}, "reading": "x"}}, "Expected value of type double for reading on sensor."),
        ({"sensor": {"$metadata": {}, "x": 1}}, "x does not appear on the DTDL for sensor."),
        ({"sensor": {}}, "Twin is missing $metadata of component sensor."),
        ({"sensor": 5}, "Twin is missing $metadata of component sensor."),
        ({"sensor": {"$metadata": 5}}, "$metadata of sensor is not an object."),
        ({"limits": {"$metadata": {}}}, "limits is not a component and cannot have a member $metadata."),
        ({"$metadata": {"$model": "dtmi:test:No;1"}}, "dtmi:test:No;1 or one of its dependencies does not exist."),
        ({"$metadata": {}}, "Twin is missing $metadata with the id of its model in $model."),
        ({"$metadata": 5}, "Twin is missing $metadata with the id of its model in $model."),
        ({"$other": 5}, "$other is not a name that a twin can have."),
        ({"label": "é" * 2049}, "The string value of label on Twin is longer than 4096 bytes."),
        ({"limits": {"k" * 1025: 1}}, "A name in limits on Twin is longer than 1024 bytes."),
    ],
)
async def test_a_twin_that_does_not_conform_is_refused(adt: Adt, body: dict[str, Any], detail: str):
    answer = await adt.put("/digitaltwins/room", {**ROOM_TWIN, **body})
    assert (answer.status, answer.code, answer.message) == (400, "ValidationFailed", "Invalid twin specified")
    assert answer.details == [detail]
    assert answer.body["error"]["details"][0]["code"] == "ValidationFailed"
    assert (await adt.get("/digitaltwins/room")).status == 404


async def test_every_problem_is_told(adt: Adt):
    answer = await adt.put("/digitaltwins/room", {"$metadata": ROOM_TWIN["$metadata"], "seats": "x", "colour": 1})
    assert answer.details == [
        "Expected value of type integer for seats on Twin.",
        "colour does not appear on the DTDL for Twin.",
        "Twin is missing component sensor.",
    ]


@pytest.mark.parametrize("body", [[], [{}], 1, True])
async def test_a_twin_that_is_no_object_is_refused(adt: Adt, body: Any):
    answer = await adt.put("/digitaltwins/room", body)
    assert (answer.status, answer.code, answer.message) == (400, "InvalidArgument", "Payload is invalid.")


async def test_a_patch_moves_only_the_times_of_what_it_touches(graph: Adt):
    await graph.patch("/digitaltwins/room", add("/seats", 4))
    before = await graph.twin("room")
    answer = await graph.patch("/digitaltwins/room", replace("/seats", 5), add("/label", "x"))
    assert (answer.status, answer.body) == (204, None)
    after = await graph.twin("room")
    now = after["$metadata"]["$lastUpdateTime"]
    assert after["$etag"] == answer.etag != before["$etag"]
    assert now > before["$metadata"]["$lastUpdateTime"]
    assert after["$metadata"]["seats"] == after["$metadata"]["label"] == {UPDATED: now}
    assert after["$metadata"]["temperature"] == before["$metadata"]["temperature"]
    assert after["sensor"] == before["sensor"]
    assert list(after) == ["$dtId", "$etag", "temperature", "sensor", "seats", "label", "$metadata"]


async def test_removing_a_property_removes_its_metadata(graph: Adt):
    before = await graph.twin("room")
    assert (await graph.patch("/digitaltwins/room", remove("/temperature"))).status == 204
    after = await graph.twin("room")
    assert "temperature" not in after
    assert list(after["$metadata"]) == ["$model", "$lastUpdateTime"]
    assert after["$metadata"]["$lastUpdateTime"] > before["$metadata"]["$lastUpdateTime"]


async def test_an_empty_patch_makes_a_new_etag(graph: Adt):
    before = await graph.twin("room")
    answer = await graph.patch("/digitaltwins/room")
    assert answer.status == 204
    assert answer.etag != before["$etag"]


async def test_add_overwrites_and_replace_and_remove_need_what_is_there(graph: Adt):
    assert (await graph.patch("/digitaltwins/room", add("/temperature", 1))).status == 204
    for operation in (replace("/seats", 1), remove("/seats")):
        answer = await graph.patch("/digitaltwins/room", operation)
        assert (answer.status, answer.code) == (400, "JsonPatchInvalid")
        assert answer.message.startswith("The target location specified by path segment 'seats' was not found. Please")


async def test_members_of_an_object_need_the_object(graph: Adt):
    answer = await graph.patch("/digitaltwins/room", add("/address/street", "x"))
    assert answer.message.startswith("/address/street was not found. Please provide a valid patch document.")
    answer = await graph.patch(
        "/digitaltwins/room",
        add("/address", {"street": "x"}),
        replace("/address/street", "y"),
        add("/address/city", "z"),
    )
    assert answer.status == 204
    twin = await graph.twin("room")
    assert twin["address"] == {"street": "y", "city": "z"}
    assert (await graph.patch("/digitaltwins/room", remove("/address/city"))).status == 204
    after = await graph.twin("room")
    assert after["address"] == {"street": "y"}
    assert after["$metadata"]["address"][UPDATED] > twin["$metadata"]["address"][UPDATED]


async def test_keys_of_a_map_with_escapes(graph: Adt):
    operations = (add("/limits", {}), add("/limits/a~1b~0c", 1), add("/limits/~01", 2), add("/limits/", 3))
    assert (await graph.patch("/digitaltwins/room", *operations)).status == 204
    assert (await graph.twin("room"))["limits"] == {"a/b~c": 1, "~1": 2, "": 3}


async def test_elements_of_an_array(graph: Adt):
    operations = (
        add("/tags", ["b"]),
        add("/tags/0", "a"),
        add("/tags/-", "d"),
        replace("/tags/2", "c"),
        remove("/tags/1"),
    )
    assert (await graph.patch("/digitaltwins/room", *operations)).status == 204
    assert (await graph.twin("room"))["tags"] == ["a", "c"]


@pytest.mark.parametrize("index", ["2", "-", "01", "x", "-1", "", "99999999999999999999", "1.0"])
async def test_elements_that_are_not_there(graph: Adt, index: str):
    await graph.patch("/digitaltwins/room", add("/tags", ["a", "b"]))
    answer = await graph.patch("/digitaltwins/room", replace(f"/tags/{index}", "c"))
    assert (answer.status, answer.code) == (400, "JsonPatchInvalid")
    assert f"path segment '{index}'" in answer.message


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        ({}, "Parameter op must not be empty."),
        ({"op": ""}, "Parameter op must not be empty."),
        ({"op": "move", "path": "/temperature", "from": "/seats"}, "Unsupported operation type move."),
        ({"op": 5, "path": "/temperature"}, "Unsupported operation type 5."),
        ({"op": ["add"], "path": "/temperature"}, "Unsupported operation type ['add']."),
        ({"op": "add", "value": 1}, "Parameter path must not be empty."),
        ({"op": "add", "path": "", "value": {}}, "Parameter path must not be empty."),
        ({"op": "add", "path": 5, "value": 1}, "Parameter path must not be empty."),
        (
            {"op": "add", "path": "/temperature"},
            "Parameter value must not be missing in operation add of /temperature.",
        ),
        (add("/a~2", 1), "The path /a~2 has a ~ that is not followed by 0 or 1."),
        (replace("/$etag", "x"), "/$etag cannot be changed."),
        (replace("/$dtId", "x"), "/$dtId cannot be changed."),
        (replace("/$metadata", {}), "/$metadata cannot be changed."),
        (remove("/$metadata/temperature"), "/$metadata/temperature cannot be changed."),
        (
            replace("/$metadata/temperature/lastUpdateTime", "x"),
            "/$metadata/temperature/lastUpdateTime cannot be changed.",
        ),
        (replace("/$metadata/$lastUpdateTime", "x"), "/$metadata/$lastUpdateTime cannot be changed."),
        (add("/temperature/x", 1), "/temperature/x was not found."),
        (add("/temperature/x/y", 1), "/temperature/x/y was not found."),
        (replace("/sensor/$metadata/$model", "x"), "/sensor/$metadata/$model cannot be changed."),
        (replace("/sensor/$other", "x"), "/sensor/$other cannot be changed."),
    ],
)
async def test_operations_that_cannot_be_applied(graph: Adt, operation: dict[str, Any], reason: str):
    before = await graph.twin("room")
    answer = await graph.patch("/digitaltwins/room", replace("/temperature", 1), operation)
    assert (answer.status, answer.code) == (400, "JsonPatchInvalid")
    assert answer.message == (
        f"{reason} Please provide a valid patch document. "
        "See section on update apis in the documentation https://aka.ms/adtv2twins."
    )
    assert await graph.twin("room") == before


async def test_a_patch_is_judged_by_its_result(graph: Adt):
    before = await graph.twin("room")
    answer = await graph.patch("/digitaltwins/room", replace("/temperature", 1), add("/colour", "red"))
    assert (answer.code, answer.details) == ("ValidationFailed", ["colour does not appear on the DTDL for Twin."])
    assert await graph.twin("room") == before
    assert (await graph.patch("/digitaltwins/room", add("/colour", 1), remove("/colour"))).status == 204


async def test_an_array_of_anything_but_operations_is_the_frameworks_to_refuse(graph: Adt):
    answer = await graph.send("PATCH", "/digitaltwins/room", b'[ {"op":"remove","path":"/x"},\n "temp\\"erature" ]')
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/problem+json; charset=utf-8"
    problem = (
        'Error converting value "temp\\"erature" to type '
        "'Microsoft.AspNetCore.JsonPatch.Operations.Operation'. Path '[1]', line 2, position 16."
    )
    assert answer.body["errors"] == {
        "[1]": [problem],
        "jsonPatchDocument": ["The jsonPatchDocument field is required."],
    }
    assert list(answer.body) == ["errors", "type", "title", "status", "detail", "instance", "extensions"]
    assert "error" not in answer.body


@pytest.mark.parametrize("body", [{}, 5, {"op": "remove", "path": "/temperature"}])
async def test_a_patch_that_is_no_array_is_refused(graph: Adt, body: Any):
    answer = await graph.send("PATCH", "/digitaltwins/room", body)
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert "JSON Patch" in answer.message


async def test_migration_to_another_model_needs_a_fitting_result(graph: Adt):
    to_room = replace("/$metadata/$model", "dtmi:test:Room;1")
    answer = await graph.patch("/digitaltwins/machine", to_room)
    assert answer.details == ["Twin is missing component sensor."]
    component = add("/sensor", {"$metadata": {"reading": {"sourceTime": SOURCE_TIME}}, "reading": 2})
    assert (await graph.patch("/digitaltwins/machine", to_room, component, add("/seats", 2))).status == 204
    twin = await graph.twin("machine")
    now = twin["$metadata"]["$lastUpdateTime"]
    assert twin["sensor"] == {
        "reading": 2,
        "$metadata": {"$lastUpdateTime": now, "reading": {UPDATED: now, "sourceTime": SOURCE_TIME}},
    }
    assert twin["$metadata"] == {"$model": "dtmi:test:Room;1", "$lastUpdateTime": now, "seats": {UPDATED: now}}
    back = (replace("/$metadata/$model", "dtmi:test:Machine;1"), remove("/sensor"), remove("/seats"))
    assert (await graph.patch("/digitaltwins/machine", *back)).status == 204
    assert list((await graph.twin("machine"))["$metadata"]) == ["$model", "$lastUpdateTime"]


@pytest.mark.parametrize(
    ("operation", "detail"),
    [
        (remove("/$metadata/$model"), "Twin is missing $metadata with the id of its model in $model."),
        (replace("/$metadata/$model", 5), "Expected the id of a model for $model."),
        (replace("/$metadata/$model", "dtmi:test:No;1"), "dtmi:test:No;1 or one of its dependencies does not exist."),
        (remove("/sensor"), "Twin is missing component sensor."),
        (replace("/sensor", {"reading": 1}), "Twin is missing $metadata of component sensor."),
    ],
)
async def test_what_a_twin_needs_cannot_be_taken_from_it(graph: Adt, operation: dict[str, Any], detail: str):
    answer = await graph.patch("/digitaltwins/room", operation)
    assert (answer.code, answer.details) == ("ValidationFailed", [detail])


async def test_source_time_is_set_kept_and_removed(graph: Adt):
    path = "/$metadata/temperature/sourceTime"
    assert (
        await graph.patch("/digitaltwins/room", replace("/temperature", 1), replace(path, SOURCE_TIME))
    ).status == 204
    await graph.patch("/digitaltwins/room", replace("/temperature", 2))
    metadata = (await graph.twin("room"))["$metadata"]
    assert metadata["temperature"] == {UPDATED: metadata["$lastUpdateTime"], "sourceTime": SOURCE_TIME}
    assert (await graph.patch("/digitaltwins/room", remove(path))).status == 204
    assert list((await graph.twin("room"))["$metadata"]["temperature"]) == [UPDATED]
    answer = await graph.patch("/digitaltwins/room", remove(path))
    assert "'sourceTime' was not found" in answer.message


async def test_source_time_is_put_with_the_twin_and_dropped_without(adt: Adt):
    metadata = {"$model": "dtmi:test:Room;1", "temperature": {"sourceTime": SOURCE_TIME, UPDATED: "ignored"}}
    await adt.put("/digitaltwins/room", {**ROOM_TWIN, "$metadata": metadata})
    entry = (await adt.twin("room"))["$metadata"]["temperature"]
    assert entry["sourceTime"] == SOURCE_TIME
    assert entry[UPDATED] != "ignored"
    await adt.put("/digitaltwins/room", ROOM_TWIN)
    assert "sourceTime" not in (await adt.twin("room"))["$metadata"]["temperature"]


@pytest.mark.parametrize("time", ["yesterday", "", 5, None, "2021-13-01", "2021-01-01 10:00:00", {"a": 1}])
async def test_source_time_must_be_iso_8601(graph: Adt, time: Any):
    answer = await graph.patch("/digitaltwins/room", add("/$metadata/temperature/sourceTime", time))
    assert answer.details == ["Expected an ISO 8601 date and time for sourceTime of temperature on Twin."]


async def test_source_time_needs_a_value(graph: Adt):
    answer = await graph.patch("/digitaltwins/room", add("/$metadata/seats/sourceTime", SOURCE_TIME))
    assert (answer.code, "'seats' was not found" in answer.message) == ("JsonPatchInvalid", True)
    metadata = {"$model": "dtmi:test:Machine;1", "power": {"sourceTime": SOURCE_TIME}}
    answer = await graph.put("/digitaltwins/machine", {"$metadata": metadata})
    assert answer.details == ["$metadata of Twin has a sourceTime for power, which has no value."]


async def test_if_match_guards_patch_and_delete(graph: Adt):
    old = (await graph.twin("room"))["$etag"]
    new = (await graph.patch("/digitaltwins/room", replace("/temperature", 1), if_match=old)).etag
    for answer in (
        await graph.patch("/digitaltwins/room", replace("/temperature", 2), if_match=old),
        await graph.delete("/digitaltwins/room", if_match=old),
    ):
        assert (answer.status, answer.code) == (412, "PreconditionFailed")
        assert answer.message.startswith(f"The provided etag {old} doesn't match the current etag for the resource.")
        assert "ETag" not in answer.headers
    assert (await graph.patch("/digitaltwins/room", replace("/temperature", 2), if_match="*")).status == 204
    assert (await graph.delete("/digitaltwins/room", if_match=new)).status == 412
    assert (await graph.delete("/digitaltwins/room", if_match=(await graph.twin("room"))["$etag"])).status == 204


async def test_an_outdated_etag_is_told_before_what_is_wrong_with_the_patch(graph: Adt):
    stale = 'W/"00000000-0000-0000-0000-000000000000"'
    assert (await graph.patch("/digitaltwins/room", {"op": "move"}, if_match=stale)).status == 412


async def test_a_twin_that_is_not_there(adt: Adt):
    for answer in (
        await adt.get("/digitaltwins/nobody"),
        await adt.patch("/digitaltwins/nobody", {"op": "move"}),
        await adt.patch("/digitaltwins/nobody", replace("/x", 1), if_match="*"),
        await adt.delete("/digitaltwins/nobody"),
    ):
        assert (answer.status, answer.code) == (404, "DigitalTwinNotFound")
        assert answer.headers["x-ms-error-code"] == "DigitalTwinNotFound"
        assert "exists with the ID nobody." in answer.message


async def test_a_twin_is_deleted_after_its_relationships_in_either_direction(graph: Adt):
    await graph.put("/digitaltwins/room/relationships/r", {"$relationshipName": "linkedTo", "$targetId": "hall"})
    for twin in ("room", "hall"):
        answer = await graph.delete(f"/digitaltwins/{twin}")
        assert (answer.status, answer.code) == (400, "RelationshipsNotDeleted")
        assert answer.message.startswith(f"Twin {twin} has active relationships.")
    await graph.delete("/digitaltwins/room/relationships/r")
    for twin in ("room", "hall"):
        assert (await graph.delete(f"/digitaltwins/{twin}")).status == 204
        assert (await graph.delete(f"/digitaltwins/{twin}")).status == 404


async def test_limits_of_twins():
    service = await LocalTwins.open(":memory:", Settings(max_twins=2, max_twin_bytes=500, max_string_bytes=1000))
    adt = Adt(service)
    try:
        await adt.post("/models", MODELS)
        for twin in "ab":
            assert (await adt.put(f"/digitaltwins/{twin}", MACHINE_TWIN)).status == 200
        answer = await adt.put("/digitaltwins/c", MACHINE_TWIN)
        assert (answer.status, answer.code) == (400, "TwinLimitReached")
        assert (await adt.put("/digitaltwins/a", MACHINE_TWIN)).status == 200
        await adt.delete("/digitaltwins/b")
        assert (await adt.put("/digitaltwins/c", ROOM_TWIN)).status == 200
        answer = await adt.patch("/digitaltwins/c", add("/label", "x" * 500))
        assert (answer.status, answer.code) == (400, "LimitExceeded")
        assert "may have 500" in answer.message
    finally:
        await service.close()
