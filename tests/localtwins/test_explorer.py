"""What Azure Digital Twins Explorer asks for, as the clients in its page and in its later versions send it."""

from typing import Any

import pytest

from localtwins import LocalTwins

from .adt import MODELS, ROOM_TWIN, SPACE_TWIN, Adt, replace

VERSION = "2021-06-30-preview"


@pytest.fixture
async def explorer(graph: Adt) -> Adt:
    return Adt(graph.service, VERSION)


async def test_all_models_are_listed_with_an_empty_parameter_for_dependencies(explorer: Adt):
    answer = await explorer.get("/models?dependenciesFor=&includeModelDefinition=true")
    assert answer.status == 200
    assert [model["id"] for model in answer.body["value"]] == [model["@id"] for model in MODELS]
    assert all("model" in model for model in answer.body["value"])


async def test_queries_of_the_explorer_are_answered_page_by_page(explorer: Adt):
    for query in (
        "SELECT * FROM digitaltwins",
        "SELECT * FROM digitaltwins T WHERE T.$dtId = 'room'",
        "SELECT * FROM digitaltwins WHERE IS_OF_MODEL('dtmi:test:Room;1')",
        "SELECT T, R FROM digitaltwins T JOIN S RELATED T.linkedTo R WHERE T.$dtId = 'room'",
    ):
        rows, token = [], None
        while True:
            answer = await explorer.post("/query", {"query": query, "continuationToken": token}, max_items_per_page="1")
            assert answer.status == 200, answer
            rows += answer.body["value"]
            token = answer.body["continuationToken"]
            if token is None:
                break
        assert all(row for row in rows)


async def test_a_graph_is_built_looked_at_and_taken_down(explorer: Adt):
    for twin_id, twin in (("new", ROOM_TWIN), ("other", SPACE_TWIN)):
        assert (await explorer.put(f"/digitaltwins/{twin_id}", twin)).status == 200
    relationship = {"$relationshipName": "linkedTo", "$targetId": "other"}
    assert (await explorer.put("/digitaltwins/new/relationships/r", relationship)).status == 200
    assert (await explorer.patch("/digitaltwins/new", replace("/temperature", 7))).status == 204
    assert (await explorer.get("/digitaltwins/new")).body["temperature"] == 7
    outgoing = (await explorer.get("/digitaltwins/new/relationships")).body
    assert [item["$targetId"] for item in outgoing["value"]] == ["other"]
    incoming = (await explorer.get("/digitaltwins/other/incomingrelationships")).body
    (item,) = incoming["value"]
    assert item["$relationshipLink"].endswith(f"/digitaltwins/new/relationships/r?api-version={VERSION}")
    assert (await explorer.delete("/digitaltwins/new/relationships/r")).status == 204
    for twin_id in ("new", "other"):
        assert (await explorer.delete(f"/digitaltwins/{twin_id}")).status == 204
    assert (await explorer.get("/models/dtmi:test:Room;1?includeModelDefinition=true")).body["model"]["@id"]
    for model in reversed(MODELS):
        assert (await explorer.delete(f"/models/{model['@id']}")).status in {204, 409}


async def test_routes_and_their_pages_are_listed(explorer: Adt):
    assert (await explorer.get("/eventroutes")).body == {"value": [], "nextLink": None}


@pytest.mark.parametrize(
    "target",
    [
        "/models?dependenciesFor=",
        "/models?dependenciesFor=&dependenciesFor=",
        "/models?includeModelDefinition=",
        "/models?continuationToken=",
        "/models/dtmi:test:Room;1?includeModelDefinition=",
        "/digitaltwins/room/relationships?relationshipName=",
        "/digitaltwins/room/relationships?continuationToken=",
        "/digitaltwins/hall/incomingrelationships?continuationToken=",
        "/eventroutes?continuationToken=",
        "/jobs/imports?continuationToken=",
        "/jobs/deletions?continuationToken=",
    ],
)
async def test_a_parameter_without_a_value_is_absent(graph: Adt, target: str):
    await graph.put("/digitaltwins/room/relationships/r", {"$relationshipName": "linkedTo", "$targetId": "hall"})
    answer = await graph.get(target)
    assert answer.status == 200, answer
    assert answer.body == (await graph.get(target.partition("?")[0])).body


async def test_an_empty_timeout_of_a_delete_job_is_the_default(adt: Adt):
    assert (await adt.post("/jobs/deletions?timeoutInMinutes=", None)).status == 202


async def test_an_empty_name_beside_a_model_is_passed_over(graph: Adt):
    target = "/models?dependenciesFor=&dependenciesFor=dtmi:test:Machine;1"
    assert [model["id"] for model in (await graph.get(target)).body["value"]] == ["dtmi:test:Machine;1"]


@pytest.mark.parametrize(("path", "served"), [("/digitaltwins/room", 6), ("/jobs/imports", 3), ("/jobs/deletions", 1)])
async def test_a_version_that_is_not_served_is_told_which_are(graph: Adt, path: str, served: int):
    old: LocalTwins = graph.service
    answer = await Adt(old, "2020-05-31-preview").get(path)
    assert (answer.status, answer.code) == (400, "UnsupportedApiVersion")
    assert "does not support the API version '2020-05-31-preview'. It supports 20" in answer.message
    answer = await Adt(old, "2022-05-31").get(path)
    if served < 6:
        assert answer.message.count("2023") == served


async def test_a_twin_may_say_its_id_in_another_column_which_is_dropped(graph: Adt):
    document: dict[str, Any] = {"$id": "anything", "$metadata": {"$model": "dtmi:test:Machine;1"}, "power": 1.5}
    answer = await graph.put("/digitaltwins/c1", document)
    assert answer.status == 200
    assert list(answer.body) == ["$dtId", "$etag", "power", "$metadata"]
    assert (await graph.put("/digitaltwins/c1", {**document, "$other": 1})).code == "ValidationFailed"


async def test_a_relationship_may_be_put_back_with_the_link_that_a_list_gave(graph: Adt):
    path = "/digitaltwins/room/relationships/r"
    await graph.put(path, {"$relationshipName": "linkedTo", "$targetId": "hall"})
    (item,) = (await graph.get("/digitaltwins/hall/incomingrelationships")).body["value"]
    answer = await graph.put(path, {**item, "$targetId": "hall"})
    assert (answer.status, "$relationshipLink" in answer.body) == (200, False)
