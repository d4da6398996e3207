"""Models: upload, lists, decommissioning, deletion."""

import asyncio
from typing import Any

import pytest

from localtwins import LocalTwins, Settings, limits

from .adt import CONTEXT, MACHINE, MODELS, ROOM, ROOM_TWIN, SENSOR, SPACE, Adt, remove, replace

DECOMMISSION = replace("/decommissioned", True)


def interface(name: str, **members: Any) -> dict[str, Any]:
    return {"@id": f"dtmi:test:{name};1", "@type": "Interface", "@context": CONTEXT, **members}


async def ids(adt: Adt, query: str = "") -> list[str]:
    answer = await adt.get(f"/models{query}")
    return [model["id"].removeprefix("dtmi:test:") for model in answer.body["value"]]


async def test_upload_answers_with_model_data_in_request_order(empty: Adt):
    answer = await empty.post("/models", [ROOM, SPACE, MACHINE, SENSOR])
    assert answer.status == 201
    assert [model["id"] for model in answer.body] == [model["@id"] for model in (ROOM, SPACE, MACHINE, SENSOR)]
    assert list(answer.body[1]) == ["id", "description", "displayName", "decommissioned", "uploadTime"]
    assert answer.body[1]["displayName"] == {"en": "Space", "de": "Raum"}
    assert answer.body[1]["description"] == {"en": "A place"}
    assert answer.body[0]["displayName"] == {}
    times = [model["uploadTime"] for model in answer.body]
    assert len(set(times)) == 4
    assert all(time.endswith("+00:00") for time in times)


async def test_the_definition_comes_back_as_uploaded_when_asked_for(adt: Adt):
    assert "model" not in (await adt.get("/models/dtmi:test:Room;1")).body
    with_definition = (await adt.get("/models/dtmi%3Atest%3ARoom%3B1?includeModelDefinition=true")).body
    assert with_definition["model"] == ROOM
    assert list(with_definition["model"]) == list(ROOM)
    assert [model["model"] for model in (await adt.get("/models?includeModelDefinition=True")).body["value"]] == MODELS


async def test_an_upload_is_all_or_nothing(adt: Adt):
    answer = await adt.post("/models", [interface("New"), interface("Bad", extends="dtmi:test:Nowhere;1")])
    assert (answer.status, answer.code) == (400, "DTDLParserError")
    assert "dtmi:test:Nowhere;1 (referenced in 1 place)" in answer.message
    assert (await adt.get("/models/dtmi:test:New;1")).code == "ModelNotFound"


async def test_an_id_that_is_there_refuses_the_whole_upload(adt: Adt):
    answer = await adt.post("/models", [interface("New"), SPACE])
    assert (answer.status, answer.code) == (409, "ModelIdAlreadyExists")
    assert "dtmi:test:Space;1" in answer.message
    assert (await adt.get("/models/dtmi:test:New;1")).status == 404


async def test_dtdl_4_is_refused(empty: Adt):
    answer = await empty.post("/models", [{**SPACE, "@context": "dtmi:dtdl:context;4"}])
    assert (answer.status, answer.code) == (400, "ModelVersionNotSupported")


@pytest.mark.parametrize("body", [[], {}, "text", 5])
async def test_anything_but_an_array_of_models_is_refused(empty: Adt, body: Any):
    answer = await empty.post("/models", body)
    assert (answer.status, answer.code) == (400, "InvalidArgument")


async def test_no_body_is_a_bad_request(empty: Adt):
    answer = await empty.post("/models", None)
    assert (answer.status, answer.code) == (400, "BadRequest")
    assert "x-ms-error-code" not in answer.headers


async def test_relationship_targets_need_not_exist(empty: Adt):
    contents = [{"@type": "Relationship", "name": "to", "target": "dtmi:test:Nowhere;1"}]
    assert (await empty.post("/models", [interface("Lonely", contents=contents)])).status == 201


async def test_models_are_listed_in_pages_in_the_order_of_upload(empty: Adt):
    names = [f"M{(number * 37) % 120}" for number in range(120)]
    assert (await empty.post("/models", [interface(name) for name in names])).status == 201
    first = await empty.get("/models")
    assert list(first.body) == ["value", "nextLink"]
    assert len(first.body["value"]) == 100
    link = first.body["nextLink"]
    assert link.startswith("https://adt.example/Models?includeModelDefinition=False&continuationToken=")
    assert link.endswith("&api-version=2023-10-31")
    second = await empty.get(link.removeprefix("https://adt.example").removesuffix("&api-version=2023-10-31"))
    assert second.body["nextLink"] is None
    found = [model["id"] for model in first.body["value"] + second.body["value"]]
    assert found == [f"dtmi:test:{name};1" for name in names]


async def test_a_page_ends_early_when_its_models_are_large(empty: Adt, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "PAGE_BYTES", 5_000)
    large = [interface(f"Large{number}", comment="x" * 500) for number in range(12)]
    assert (await empty.post("/models", large)).status == 201
    link, pages = "/Models?includeModelDefinition=true", []
    while link:
        answer = await empty.get("/models" + link.partition("/Models")[2])
        pages.append([model["model"] for model in answer.body["value"]])
        link = answer.body["nextLink"]
    assert [model for page in pages for model in page] == large
    assert [len(page) for page in pages] == [6, 6]


async def test_the_page_size_is_the_callers(adt: Adt):
    answer = await adt.get("/models", max_items_per_page="3")
    assert len(answer.body["value"]) == 3
    following = await adt.get(answer.body["nextLink"].removeprefix("https://adt.example"), max_items_per_page="3")
    assert [model["id"] for model in following.body["value"]] == ["dtmi:test:Machine;1"]


@pytest.mark.parametrize("size", ["0", "-1", "many", "", "1.5", "٣"])
async def test_a_page_size_that_is_none_is_refused(adt: Adt, size: str):
    answer = await adt.get("/models", max_items_per_page=size)
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert "max-items-per-page" in answer.message


@pytest.mark.parametrize("token", ["x", "WyJhIl0=", "e30=", "%00", "WzEsMl0="])
async def test_a_foreign_continuation_token_is_refused(adt: Adt, token: str):
    for path in ("/models", "/digitaltwins/room/relationships", "/digitaltwins/room/incomingrelationships"):
        if (path, token) != ("/digitaltwins/room/relationships", "WyJhIl0="):
            answer = await adt.get(f"{path}?continuationToken={token}")
            assert (answer.status, answer.code) == (400, "InvalidArgument"), path


async def test_dependencies_of_a_model_follow_extends_and_components(adt: Adt):
    assert await ids(adt, "?dependenciesFor=dtmi:test:Room;1") == ["Sensor;1", "Space;1", "Room;1"]
    query = "?dependenciesFor=dtmi:test:Machine;1&dependenciesFor=dtmi:test:Space;1"
    assert await ids(adt, query) == ["Space;1", "Machine;1"]
    assert (await adt.get("/models?dependenciesFor=dtmi:test:None;1")).code == "ModelNotFound"


async def test_a_list_of_dependencies_goes_on_over_pages(adt: Adt):
    first = await adt.get("/models?dependenciesFor=dtmi:test:Room;1", max_items_per_page="2")
    second = await adt.get(first.body["nextLink"].removeprefix("https://adt.example"), max_items_per_page="2")
    assert [model["id"] for model in second.body["value"]] == ["dtmi:test:Room;1"]
    assert second.body["nextLink"] is None


async def test_decommissioning_is_for_good_and_repeatable(adt: Adt):
    for _ in range(2):
        assert (await adt.patch("/models/dtmi:test:Machine;1", DECOMMISSION)).status == 204
    assert (await adt.get("/models/dtmi:test:Machine;1")).body["decommissioned"] is True
    answer = await adt.patch("/models/dtmi:test:Machine;1", replace("/decommissioned", False))
    assert (answer.status, answer.code) == (400, "JsonPatchInvalid")


@pytest.mark.parametrize(
    "operation",
    [remove("/decommissioned"), replace("/displayName", "x"), {}, {"op": "move"}, replace("/decommissioned", 1)],
)
async def test_nothing_else_of_a_model_can_be_patched(adt: Adt, operation: Any):
    answer = await adt.patch("/models/dtmi:test:Machine;1", operation)
    assert (answer.status, answer.code) == (400, "JsonPatchInvalid")


async def test_a_model_is_decommissioned_after_those_that_refer_to_it(adt: Adt):
    answer = await adt.patch("/models/dtmi:test:Space;1", DECOMMISSION)
    assert (answer.status, answer.code) == (409, "ModelReferencesNotDecommissioned")
    assert "dtmi:test:Room;1" in answer.message
    assert (await adt.patch("/models/dtmi:test:Room;1", DECOMMISSION)).status == 204
    assert (await adt.patch("/models/dtmi:test:Space;1", DECOMMISSION)).status == 204


async def test_a_decommissioned_model_takes_no_new_twins_and_keeps_its_old_ones(graph: Adt):
    await graph.patch("/models/dtmi:test:Room;1", DECOMMISSION)
    answer = await graph.put("/digitaltwins/room2", ROOM_TWIN)
    assert (answer.status, answer.code) == (400, "ModelDecommissioned")
    assert (await graph.patch("/digitaltwins/room", replace("/temperature", 1))).status == 204
    assert (await graph.put("/digitaltwins/room", ROOM_TWIN)).status == 200
    migration = replace("/$metadata/$model", "dtmi:test:Room;1")
    answer = await graph.patch(
        "/digitaltwins/hall", migration, {"op": "add", "path": "/sensor", "value": {"$metadata": {}}}
    )
    assert answer.code == "ModelDecommissioned"


async def test_a_model_that_others_need_cannot_be_deleted(adt: Adt):
    for name in ("Space", "Sensor"):
        answer = await adt.delete(f"/models/dtmi:test:{name};1")
        assert (answer.status, answer.code) == (409, "ModelReferencesNotDeleted")
        assert "referenced by dtmi:test:Room;1." in answer.message
    for name in ("Room", "Space", "Sensor"):
        assert (await adt.delete(f"/models/dtmi:test:{name};1")).status == 204
    assert await ids(adt) == ["Machine;1"]


async def test_twins_outlive_their_model(graph: Adt):
    await graph.put("/digitaltwins/room/relationships/r", {"$relationshipName": "linkedTo", "$targetId": "hall"})
    assert (await graph.delete("/models/dtmi:test:Room;1")).status == 204
    assert (await graph.twin("room"))["temperature"] == 20.5
    missing = "dtmi:test:Room;1 or one of its dependencies does not exist."
    for answer in (
        await graph.patch("/digitaltwins/room", replace("/temperature", 1)),
        await graph.put("/digitaltwins/room", ROOM_TWIN),
    ):
        assert (answer.code, answer.details) == ("ValidationFailed", [missing])
    outgoing = await graph.put(
        "/digitaltwins/room/relationships/s", {"$relationshipName": "linkedTo", "$targetId": "hall"}
    )
    assert (outgoing.code, outgoing.details) == ("InvalidRelationship", [missing])
    incoming = await graph.put(
        "/digitaltwins/hall/relationships/s", {"$relationshipName": "adjacentTo", "$targetId": "room"}
    )
    assert incoming.status == 200
    assert (await graph.delete("/digitaltwins/room/relationships/r")).status == 204
    assert (await graph.delete("/digitaltwins/hall/relationships/s")).status == 204
    assert (await graph.delete("/digitaltwins/room")).status == 204


async def test_a_model_uploaded_again_counts_in_its_new_form(graph: Adt):
    await graph.delete("/models/dtmi:test:Machine;1")
    await graph.post("/models", [{**MACHINE, "contents": [{"@type": "Property", "name": "mass", "schema": "double"}]}])
    answer = await graph.patch("/digitaltwins/machine", {"op": "add", "path": "/power", "value": 1})
    assert answer.details == ["power does not appear on the DTDL for Twin."]
    assert (await graph.patch("/digitaltwins/machine", {"op": "add", "path": "/mass", "value": 1})).status == 204


@pytest.mark.parametrize(
    "model_id", ["nonsense", "dtmi:a;0", "dtmi:a b;1", "dtmi:_a;1", "DTMI:a;1", "dtmi:" + "a" * 3000]
)
async def test_an_id_that_is_no_dtmi_is_refused(adt: Adt, model_id: str):
    for answer in (
        await adt.get(f"/models/{model_id.replace(' ', '%20')}"),
        await adt.delete(f"/models/{model_id.replace(' ', '%20')}"),
        await adt.patch(f"/models/{model_id.replace(' ', '%20')}", DECOMMISSION),
        await adt.get(f"/models?dependenciesFor={model_id.replace(' ', '%20')}"),
    ):
        assert (answer.status, answer.code) == (400, "InvalidArgument")


async def test_a_path_that_ends_before_the_id_is_missing_it(adt: Adt):
    assert (await adt.get("/models/")).code == "MissingArgument"


async def test_limits_of_models():
    service = await LocalTwins.open(":memory:", Settings(max_models=3, max_models_per_request=2, max_model_bytes=300))
    adt = Adt(service)
    try:
        many = await adt.post("/models", [interface(name) for name in "ABC"])
        assert (many.status, many.code) == (400, "LimitExceeded")
        assert (await adt.post("/models", [interface("A", comment="x" * 300)])).code == "LimitExceeded"
        assert (await adt.post("/models", [interface("A"), interface("B")])).status == 201
        assert (await adt.post("/models", [interface("C"), interface("D")])).code == "LimitExceeded"
        assert await ids(adt) == ["A;1", "B;1"]
    finally:
        await service.close()


async def test_one_of_two_simultaneous_uploads_of_a_model_wins(empty: Adt):
    answers = await asyncio.gather(*(empty.post("/models", [SPACE]) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 7
