"""What an import job does with the rows of its input, and what its log says."""

import json
from pathlib import Path
from typing import Any

import pytest

from localtwins import LocalTwins, Settings

from ..adt import MODELS, ROOM, Adt
from .importing import HEADER, Jobs, Row, lines, machine, room, served_by

GRAPH = lines(twins=[room("room"), machine("machine")], relationships=[served_by("room", "machine", note="n")])


async def test_a_graph_is_imported(jobs: Jobs):
    assert (await jobs.run("one", GRAPH))["status"] == "succeeded"
    relationship = (await jobs.adt.get("/digitaltwins/room/relationships/r")).body
    assert list(relationship) == ["$relationshipId", "$etag", "$sourceId", "$relationshipName", "$targetId", "note"]
    assert [model["id"] for model in (await jobs.adt.get("/models")).body["value"]] == [m["@id"] for m in MODELS]


async def test_the_log_tells_of_each_section(jobs: Jobs):
    await jobs.run("one", GRAPH)
    sections = [
        {"section": section, "status": status}
        for section in ("Models", "Twins", "Relationships")
        for status in ("Started", "Succeeded")
    ]
    assert jobs.log("one") == [{"status": "Started"}, *sections, {"status": "Succeeded"}]
    first = json.loads((jobs.folder / "one.log").read_text().splitlines()[0])
    assert {name: first[name] for name in ("jobId", "jobType", "logType")} == {
        "jobId": "one",
        "jobType": "Import",
        "logType": "Info",
    }
    assert list(first) == ["timestamp", "jobId", "jobType", "logType", "details"]


async def test_an_old_log_is_replaced(jobs: Jobs):
    (jobs.folder / "one.log").write_text("something old\n" * 1000)
    await jobs.run("one", GRAPH)
    assert jobs.log("one")[0] == {"status": "Started"}


async def test_models_come_in_any_order(jobs: Jobs):
    assert (await jobs.run("one", lines(models=reversed(MODELS))))["status"] == "succeeded"


async def test_the_same_file_can_be_imported_again(jobs: Jobs):
    await jobs.run("one", GRAPH)
    before = await jobs.adt.twin("room")
    assert (await jobs.run("two", GRAPH))["status"] == "succeeded"
    assert (await jobs.adt.twin("room"))["$etag"] != before["$etag"], "rows are PUTs"


async def test_a_model_that_is_there_with_other_contents_fails_the_job(jobs: Jobs):
    await jobs.run("one", GRAPH)
    job = await jobs.run("two", lines(models=[{**ROOM, "displayName": "other"}], twins=[machine("new")]))
    assert (job["status"], job["error"]["code"]) == ("failed", "ModelIdAlreadyExists")


async def test_invalid_models_fail_the_job_and_none_is_created(jobs: Jobs):
    broken = {key: value for key, value in ROOM.items() if key != "@context"}
    job = await jobs.run("one", lines(models=[MODELS[0], broken], twins=[machine("m")]))
    assert (job["status"], job["error"]["code"]) == ("failed", "DTDLParsingError")
    assert "@context" in job["error"]["message"]
    assert (await jobs.adt.get("/models")).body["value"] == []
    log = jobs.log("one")
    assert [details["status"] for details in log if "status" in details] == ["Started", "Started", "Failed", "Failed"]
    (told,) = [details for details in log if "exceptionType" in details]
    assert list(told) == ["section", "exceptionType", "message"]
    assert (told["section"], told["exceptionType"]) == ("Models", "DTDLParsingError")
    assert "@context" in told["message"]


async def test_a_refused_row_leaves_the_others_be_and_fails_the_job(jobs: Jobs):
    twins = [machine("a"), machine("b", power="much"), machine("c")]
    job = await jobs.run("one", lines(twins=twins, relationships=[]))
    assert (job["status"], job["error"]["code"]) == ("failed", "ImportFailed")
    assert "1 of 7" in job["error"]["message"]
    assert [(await jobs.adt.get(f"/digitaltwins/{twin}")).status for twin in "abc"] == [200, 404, 200]
    (refused,) = jobs.refused("one")
    assert refused == {
        "section": "Twins",
        "line": 10,
        "exceptionType": "ValidationFailed",
        "message": "Expected value of type double for power on Twin.",
    }
    statuses = [(d["section"], d["status"]) for d in jobs.log("one") if "section" in d and "status" in d]
    assert ("Twins", "Failed") in statuses
    assert ("Relationships", "Succeeded") in statuses


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (machine(""), "InvalidArgument"),
        ({"$dtId": "x"}, "ValidationFailed"),
        (machine("x", **{"$else": 1}), "ValidationFailed"),
        ({"$dtId": "x", "$metadata": {"$model": "dtmi:test:None;1"}}, "ValidationFailed"),
        (machine("x", power="p" * 40_000), "ValidationFailed"),
    ],
)
async def test_twins_that_are_refused(jobs: Jobs, row: Row, code: str):
    assert (await jobs.run("one", lines(twins=[row])))["status"] == "failed"
    assert [refused["exceptionType"] for refused in jobs.refused("one")] == [code]
    assert (await jobs.adt.get("/models")).body["value"], "the others are imported"


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"$targetId": "nobody"}, "TargetDigitalTwinNotFound"),
        ({"$dtId": "nobody"}, "DigitalTwinNotFound"),
        ({"$sourceId": "machine"}, "InvalidArgument"),
        ({"$relationshipName": "other"}, "InvalidRelationship"),
        ({"note": 7}, "ValidationFailed"),
    ],
)
async def test_relationships_that_are_refused(jobs: Jobs, members: dict[str, Any], code: str):
    twins = [room("room"), machine("machine")]
    job = await jobs.run("one", lines(twins=twins, relationships=[served_by("room", "machine") | members]))
    assert job["status"] == "failed"
    assert [refused["exceptionType"] for refused in jobs.refused("one")] == [code]


@pytest.mark.parametrize(
    "members",
    [{"$sourceId": None, "$etag": None}, {"$sourceId": "room"}, {"$etag": 'W/"x"'}],
)
async def test_what_a_relationship_may_have_besides(jobs: Jobs, members: dict[str, Any]):
    twins = [{**room("room"), "$etag": None}, machine("machine")]
    job = await jobs.run("one", lines(twins=twins, relationships=[served_by("room", "machine") | members]))
    assert job["status"] == "succeeded"
    assert (await jobs.adt.get("/digitaltwins/room/relationships/r")).body["$sourceId"] == "room"


async def test_names_of_relationship_properties_are_not_checked(jobs: Jobs):
    twins = [room("room"), machine("machine")]
    job = await jobs.run("one", lines(twins=twins, relationships=[served_by("room", "machine", Note="n")]))
    assert job["status"] == "succeeded"
    assert (await jobs.adt.get("/digitaltwins/room/relationships/r")).body["Note"] == "n"


@pytest.mark.parametrize(
    ("limit", "section"),
    [("max_import_models", "Models"), ("max_import_twins", "Twins"), ("max_import_relationships", "Relationships")],
)
async def test_a_section_that_is_too_long_stops_the_job(tmp_path: Path, folder: Path, limit: str, section: str):
    service = await LocalTwins.open(tmp_path / "data", Settings.of({"jobs_dir": str(folder), limit: 1}))
    jobs = Jobs(Adt(service), folder)
    if section != "Models":
        await jobs.adt.post("/models", MODELS)
    relationships = [served_by("room", "machine", **{"$relationshipId": name}) for name in "ab"]
    content = lines(
        models=MODELS if section == "Models" else [],
        twins=[room("room"), machine("machine")],
        relationships=relationships,
    )
    if section == "Relationships":
        for twin in (room("room"), machine("machine")):
            await jobs.adt.put(f"/digitaltwins/{twin['$dtId']}", twin)
    job = await jobs.run("one", content)
    assert (job["status"], job["error"]["code"]) == ("failed", "LimitExceeded")
    assert section in job["error"]["message"]
    (told,) = jobs.refused("one")
    assert (told["exceptionType"], section in told["message"]) == ("LimitExceeded", True)
    await service.close()


async def test_another_file_version_is_refused(jobs: Jobs):
    job = await jobs.run("one", lines(header={**HEADER, "fileVersion": "2.0.0"}))
    assert (job["status"], job["error"]["code"]) == ("failed", "ValidationFailed")
    assert "fileVersion" in job["error"]["message"]


@pytest.mark.parametrize("name", ["building-scenario", "national-grid", "distribution-grid", "cli-bulk-valid"])
async def test_real_graphs_are_imported_as_they_are(jobs: Jobs, shared: Path, name: str):
    content = (shared / "data" / "graphs" / f"{name}.ndjson").read_bytes()
    job = await jobs.run("one", content)
    assert job["status"] == "succeeded", jobs.refused("one")


async def test_a_real_graph_with_an_invalid_model(jobs: Jobs, shared: Path):
    job = await jobs.run("one", (shared / "data" / "graphs" / "cli-bulk-invalid.ndjson").read_bytes())
    assert (job["status"], job["error"]["code"]) == ("failed", "DTDLParsingError")


@pytest.mark.parametrize("ontology", ["realestatecore/rec-v3", "smartcities/smartcities-v2"])
async def test_real_ontologies_in_one_import(jobs: Jobs, shared: Path, ontology: str):
    models = (shared / "data" / f"{ontology}.ndjson").read_text().splitlines()
    job = await jobs.run("one", lines(models=map(json.loads, models)))
    assert job["status"] == "succeeded", job
    assert jobs.adt.service._database.read.model_count() == len(models)
