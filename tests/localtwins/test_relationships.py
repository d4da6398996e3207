"""Relationships: create, replace, patch, delete, and the lists from either end."""

from typing import Any

import pytest

from localtwins import LocalTwins, Settings

from .adt import MACHINE_TWIN, MODELS, ROOM_TWIN, SPACE_TWIN, Adt, add, remove, replace

SERVED_BY = {"$relationshipName": "servedBy", "$targetId": "machine"}
LINKED_TO = {"$relationshipName": "linkedTo", "$targetId": "hall"}
PATH = "/digitaltwins/room/relationships/r"
VERSION = "api-version=2023-10-31"


async def listed(adt: Adt, path: str) -> list[dict[str, Any]]:
    """All items of a list, page after page."""
    items: list[dict[str, Any]] = []
    while path:
        answer = await adt.get(path)
        assert answer.status == 200
        assert list(answer.body) == ["nextLink", "value"]
        items += answer.body["value"]
        link = answer.body["nextLink"] or ""
        if link:
            assert link.startswith("https://adt.example/digitaltwins/")
            assert link.endswith("&api-version=2023-10-31")
        path = link.removeprefix("https://adt.example").removesuffix("&api-version=2023-10-31")
    return items


async def test_a_relationship_is_answered_in_the_services_form(graph: Adt):
    answer = await graph.put(PATH, {"since": "2024-02-29", **SERVED_BY})
    assert answer.status == 200
    assert list(answer.body.items()) == [
        ("$relationshipId", "r"),
        ("$etag", answer.etag),
        ("$sourceId", "room"),
        ("$relationshipName", "servedBy"),
        ("$targetId", "machine"),
        ("since", "2024-02-29"),
    ]
    got = await graph.get(PATH)
    assert (got.status, got.etag, got.body) == (200, answer.etag, answer.body)


async def test_the_ids_of_the_path_win(graph: Adt):
    answer = await graph.put(PATH, {**SERVED_BY, "$relationshipId": "x", "$sourceId": "y", "$etag": None})
    assert (answer.status, answer.body["$relationshipId"], answer.body["$sourceId"]) == (200, "r", "room")


async def test_a_replacement_may_change_everything(graph: Adt):
    first = await graph.put(PATH, {**SERVED_BY, "note": "x"})
    second = await graph.put(PATH, LINKED_TO)
    assert second.etag != first.etag
    assert "note" not in second.body
    assert [item["$relationshipId"] for item in await listed(graph, "/digitaltwins/hall/incomingrelationships")] == [
        "r"
    ]
    assert await listed(graph, "/digitaltwins/machine/incomingrelationships") == []
    assert (await graph.delete("/digitaltwins/machine")).status == 204
    assert (await graph.delete("/digitaltwins/hall")).code == "RelationshipsNotDeleted"


async def test_ids_are_unique_per_source_only(graph: Adt):
    await graph.put(PATH, LINKED_TO)
    other = await graph.put(
        "/digitaltwins/hall/relationships/r", {"$relationshipName": "adjacentTo", "$targetId": "room"}
    )
    assert other.status == 200
    assert (await graph.get(PATH)).body["$sourceId"] == "room"


async def test_create_only_fails_on_a_relationship_that_is_there(graph: Adt):
    assert (await graph.put(PATH, SERVED_BY, if_none_match="*")).status == 200
    answer = await graph.put(PATH, SERVED_BY, if_none_match="*")
    assert (answer.status, answer.code) == (412, "PreconditionFailed")
    assert "a relationship with the id r was found" in answer.message


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"$targetId": "machine"},
        {"$relationshipName": "servedBy"},
        {"$relationshipName": "", "$targetId": "machine"},
        {"$relationshipName": 5, "$targetId": "machine"},
        {"$relationshipName": "servedBy", "$targetId": None},
        [],
    ],
)
async def test_a_body_without_name_or_target_is_refused(graph: Adt, body: Any):
    answer = await graph.put(PATH, body)
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert answer.message == "Could not deserialize relationship create body."


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (
            {"$relationshipName": "owns", "$targetId": "machine"},
            "dtmi:test:Room;1 does not define a relationship owns.",
        ),
        (
            {"$relationshipName": "servedBy", "$targetId": "hall"},
            "The target of servedBy must be of model dtmi:test:Machine;1, and its model dtmi:test:Space;1 is not.",
        ),
    ],
)
async def test_a_relationship_that_the_model_does_not_allow(graph: Adt, body: Any, detail: str):
    answer = await graph.put(PATH, body)
    assert (answer.status, answer.code) == (400, "InvalidRelationship")
    assert answer.message.startswith("Twin relationship does not align with the model.")
    assert answer.details == [detail]


async def test_inherited_relationships_and_targets_of_derived_models_are_allowed(graph: Adt):
    await graph.put("/digitaltwins/room2", ROOM_TWIN)
    body = {"$relationshipName": "adjacentTo", "$targetId": "room2"}
    assert (await graph.put(PATH, body)).status == 200


@pytest.mark.parametrize(
    ("properties", "detail"),
    [
        ({"colour": 1}, "colour does not appear on the DTDL for servedBy."),
        ({"since": "today"}, "Expected value of type date for since on servedBy."),
        ({"$x": 1}, "$x is not a name that a relationship can have."),
        ({"note": "x" * 4097}, "The string value of note on servedBy is longer than 4096 bytes."),
    ],
)
async def test_properties_must_conform(graph: Adt, properties: dict[str, Any], detail: str):
    answer = await graph.put(PATH, {**SERVED_BY, **properties})
    assert (answer.status, answer.code, answer.details) == (400, "ValidationFailed", [detail])


async def test_both_ends_must_be_there(graph: Adt):
    answer = await graph.put("/digitaltwins/nobody/relationships/r", SERVED_BY)
    assert (answer.status, answer.code) == (404, "DigitalTwinNotFound")
    answer = await graph.put(PATH, {**SERVED_BY, "$targetId": "nobody"})
    assert (answer.status, answer.code) == (404, "TargetDigitalTwinNotFound")


async def test_no_twin_is_related_to_itself(graph: Adt):
    answer = await graph.put(PATH, {**LINKED_TO, "$targetId": "room"})
    assert (answer.status, answer.code) == (400, "OperationNotAllowed")


async def test_a_patch_changes_properties(graph: Adt):
    before = await graph.put(PATH, {**SERVED_BY, "since": "2024-01-01"})
    answer = await graph.patch(PATH, replace("/since", "2024-01-02"), add("/note", "x"))
    assert (answer.status, answer.body) == (204, None)
    after = await graph.get(PATH)
    assert after.etag == answer.etag != before.etag
    assert (after.body["since"], after.body["note"]) == ("2024-01-02", "x")
    assert (await graph.patch(PATH, remove("/note"))).status == 204
    assert "note" not in (await graph.get(PATH)).body


async def test_an_empty_patch_makes_a_new_etag(graph: Adt):
    before = await graph.put(PATH, SERVED_BY)
    answer = await graph.patch(PATH)
    assert (answer.status, answer.etag != before.etag) == (204, True)


@pytest.mark.parametrize("member", ["$targetId", "$sourceId", "$relationshipName", "$relationshipId", "$etag", "$x"])
async def test_what_a_relationship_is_cannot_be_patched(graph: Adt, member: str):
    await graph.put(PATH, SERVED_BY)
    answer = await graph.patch(PATH, add(f"/{member}", "hall"))
    assert (answer.status, answer.code) == (400, "JsonPatchInvalid")
    assert answer.message.startswith(f"/{member} cannot be changed.")


async def test_the_result_of_a_patch_must_conform(graph: Adt):
    await graph.put(PATH, SERVED_BY)
    answer = await graph.patch(PATH, add("/colour", 1))
    assert answer.details == ["colour does not appear on the DTDL for servedBy."]
    answer = await graph.patch(PATH, remove("/colour"))
    assert "path segment 'colour' was not found" in answer.message


async def test_if_match_guards_patch_and_delete(graph: Adt):
    old = (await graph.put(PATH, SERVED_BY)).etag
    new = (await graph.patch(PATH, add("/note", "x"), if_match=old)).etag
    assert (await graph.patch(PATH, add("/note", "y"), if_match=old)).status == 412
    assert (await graph.delete(PATH, if_match=old)).status == 412
    assert (await graph.delete(PATH, if_match=new)).status == 204


async def test_a_relationship_that_is_not_there(graph: Adt):
    for answer in (
        await graph.get(PATH),
        await graph.patch(PATH, {"op": "move"}),
        await graph.delete(PATH, if_match="*"),
    ):
        assert (answer.status, answer.code) == (404, "RelationshipNotFound")
        assert answer.message.startswith("Relationship r not found on twin room.")
    for answer in (
        await graph.get("/digitaltwins/nobody/relationships/r"),
        await graph.patch("/digitaltwins/nobody/relationships/r"),
        await graph.delete("/digitaltwins/nobody/relationships/r"),
        await graph.get("/digitaltwins/nobody/relationships"),
        await graph.get("/digitaltwins/nobody/incomingrelationships"),
    ):
        assert (answer.status, answer.code) == (404, "DigitalTwinNotFound")


async def test_lists_are_in_pages_of_ten_ordered_by_id_without_hyphens(graph: Adt):
    ids = [f"part-{number}-198" for number in range(31)]
    for relationship_id in ids:
        await graph.put(f"/digitaltwins/room/relationships/{relationship_id}", SERVED_BY)
    first = await graph.get("/digitaltwins/room/relationships")
    assert len(first.body["value"]) == 10
    expected = sorted(ids, key=lambda relationship_id: relationship_id.replace("-", ""))
    found = await listed(graph, "/digitaltwins/room/relationships")
    assert [item["$relationshipId"] for item in found] == expected
    assert expected[:4] == ["part-0-198", "part-10-198", "part-11-198", "part-1-198"]
    assert found[0] == (await graph.get("/digitaltwins/room/relationships/part-0-198")).body
    incoming = await listed(graph, "/digitaltwins/machine/incomingrelationships")
    assert [item["$relationshipId"] for item in incoming] == expected


async def test_ids_that_differ_only_in_hyphens_are_all_listed(graph: Adt):
    ids = [f"a{'-' * number}b" for number in range(12)] + ["ab-", "-ab"]
    for relationship_id in ids:
        await graph.put(f"/digitaltwins/room/relationships/{relationship_id}", SERVED_BY)
    found = [item["$relationshipId"] for item in await listed(graph, "/digitaltwins/room/relationships")]
    assert sorted(found) == sorted(ids)


async def test_incoming_relationships_tell_where_they_come_from(graph: Adt):
    await graph.put("/digitaltwins/hall%20%C3%A9", SPACE_TWIN)
    path = "/digitaltwins/hall%20%C3%A9/relationships/x%20y"
    assert (await graph.put(path, {"$relationshipName": "adjacentTo", "$targetId": "room"})).status == 200
    assert await listed(graph, "/digitaltwins/room/incomingrelationships") == [
        {
            "$relationshipId": "x y",
            "$sourceId": "hall é",
            "$relationshipName": "adjacentTo",
            "$relationshipLink": f"https://adt.example{path}?api-version=2023-10-31",
        }
    ]


async def test_equal_ids_from_many_sources_are_all_listed(graph: Adt):
    sources = [f"room{number}" for number in range(25)]
    for source in sources:
        await graph.put(f"/digitaltwins/{source}", ROOM_TWIN)
        await graph.put(f"/digitaltwins/{source}/relationships/same", SERVED_BY)
    found = await listed(graph, "/digitaltwins/machine/incomingrelationships")
    assert [item["$sourceId"] for item in found] == sorted(sources)


async def test_a_list_can_be_restricted_to_a_name(graph: Adt):
    for number in range(12):
        await graph.put(f"/digitaltwins/room/relationships/s{number}", SERVED_BY)
        await graph.put(f"/digitaltwins/room/relationships/l{number}", LINKED_TO)
    found = await listed(graph, "/digitaltwins/room/relationships?relationshipName=linkedTo")
    assert len(found) == 12
    assert {item["$relationshipName"] for item in found} == {"linkedTo"}
    assert await listed(graph, "/digitaltwins/room/relationships?relationshipName=unknown") == []


async def test_limits_of_relationships():
    limits = Settings(max_outgoing_relationships=2, max_incoming_relationships=3, max_relationships=4)
    service = await LocalTwins.open(":memory:", limits)
    adt = Adt(service)
    try:
        await adt.post("/models", MODELS)
        await adt.put("/digitaltwins/machine", MACHINE_TWIN)
        statuses = []
        for source in "abc":
            await adt.put(f"/digitaltwins/{source}", ROOM_TWIN)
            for number in range(3):
                answer = await adt.put(f"/digitaltwins/{source}/relationships/{number}", SERVED_BY)
                statuses.append(answer.status if answer.status == 200 else answer.code)
        exceeded = "LimitExceeded"
        assert statuses == [200, 200, exceeded, 200, exceeded, exceeded, exceeded, exceeded, exceeded]
        assert (await adt.put("/digitaltwins/a/relationships/1", SERVED_BY)).status == 200
        await adt.delete("/digitaltwins/a/relationships/1")
        assert (await adt.put("/digitaltwins/c/relationships/0", SERVED_BY)).status == 200
    finally:
        await service.close()


async def test_a_list_goes_on_where_it_was_after_deletions(graph: Adt):
    for number in range(10, 35):
        await graph.put(f"/digitaltwins/room/relationships/r{number}", SERVED_BY)
    first = await graph.get("/digitaltwins/room/relationships")
    for number in range(10, 21):
        await graph.delete(f"/digitaltwins/room/relationships/r{number}")
    rest = await listed(graph, first.body["nextLink"].removeprefix("https://adt.example").removesuffix(f"&{VERSION}"))
    assert [item["$relationshipId"] for item in rest] == [f"r{number}" for number in range(21, 35)]
