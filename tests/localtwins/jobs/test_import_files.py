"""A file that is not in the import format: nothing of it is imported, and the log says so as the service's does."""

import json
from typing import Any

import pytest

from ..adt import MODELS
from .importing import HEADER, Jobs, Row, lines, machine, room, served_by

SOURCE_MISSING = "Relationship must have property $dtId representing the ID of the source twin."


async def nothing_is_imported(jobs: Jobs) -> None:
    assert (await jobs.adt.get("/models")).body["value"] == []
    assert jobs.adt.service._database.read.total("digital_twins") == 0


async def test_a_relationship_as_sdks_write_it_fails_the_job_before_anything_is_imported(jobs: Jobs):
    near = {"$sourceId": "room", "$relationshipId": "r", "$targetId": "machine", "$relationshipName": "servedBy"}
    twins = [room("room"), machine("machine")]
    job = await jobs.run("one", lines(twins=twins, relationships=[served_by("room", "machine"), near]))
    assert (job["status"], job["error"]["code"]) == ("failed", "ValidationFailed")
    assert f"Line 13: {SOURCE_MISSING}" in job["error"]["message"]
    await nothing_is_imported(jobs)


async def test_the_log_of_a_job_that_failed_by_its_form_is_the_services_own(jobs: Jobs):
    near = {"$sourceId": "room", "$relationshipId": "r", "$targetId": "machine", "$relationshipName": "servedBy"}
    await jobs.run("one", lines(twins=[room("room")], relationships=[near]))
    told = jobs.log_lines("one")
    assert [(line["jobId"], line["jobType"], line["logType"], line["details"]) for line in told] == [
        ("one", "Import", "Info", {"status": "Started"}),
        (
            "one",
            "Import",
            "Error",
            {"section": "Models", "line": 11, "exceptionType": "UnsupportedFileFormat", "message": SOURCE_MISSING},
        ),
        ("one", "Import", "Error", {"section": "Models", "status": "Failed"}),
        ("one", "Import", "Error", {"status": "Failed"}),
    ]
    assert all(list(line) == ["timestamp", "jobId", "jobType", "logType", "details"] for line in told)
    assert list(told[1]["details"]) == ["section", "line", "exceptionType", "message"]


@pytest.mark.parametrize(
    "row",
    [
        b"{",
        b"[]",
        b"7",
        b'"\xff"',
        b'{"a": 1e400}',
        b'{"$dtId":"x","p":' + b"[" * 200 + b"]" * 200 + b"}",
        b'{"$metadata": {"$model": "dtmi:test:Machine;1"}}',
        b'{"$dtId": 7, "$metadata": {"$model": "dtmi:test:Machine;1"}}',
    ],
)
async def test_a_row_that_is_no_twin(jobs: Jobs, row: bytes):
    content = lines(twins=[machine("m")])
    content.insert(content.index(b'{"Section": "Relationships"}'), row)
    job = await jobs.run("one", content)
    assert (job["status"], job["error"]["code"]) == ("failed", "ValidationFailed")
    (told,) = jobs.refused("one")
    assert (told["line"], told["exceptionType"]) == (10, "UnsupportedFileFormat")
    await nothing_is_imported(jobs)


@pytest.mark.parametrize("member", ["$dtId", "$relationshipId", "$targetId", "$relationshipName"])
@pytest.mark.parametrize("value", [None, 7, ["a"]])
async def test_a_row_that_is_no_relationship(jobs: Jobs, member: str, value: Any):
    rows: list[Row] = [served_by("room", "machine", **{member: value})]
    if value is None:
        rows[0].pop(member)
    job = await jobs.run("one", lines(twins=[room("room"), machine("machine")], relationships=rows))
    assert job["status"] == "failed"
    (told,) = jobs.refused("one")
    assert told["message"].startswith(f"Relationship must have property {member} ")
    await nothing_is_imported(jobs)


async def test_a_line_among_the_models_that_is_no_json(jobs: Jobs):
    content = lines()
    content.insert(5, b'{"@id": ')
    job = await jobs.run("one", content)
    assert job["error"]["code"] == "ValidationFailed"
    assert "Line 6: The row is not valid JSON" in job["error"]["message"]
    await nothing_is_imported(jobs)


async def test_a_section_that_comes_twice(jobs: Jobs):
    content = [*lines(twins=[machine("m")]), b'{"Section": "Twins"}', json.dumps(machine("n")).encode()]
    job = await jobs.run("one", content)
    assert (job["status"], job["error"]["code"]) == ("failed", "ValidationFailed")
    assert "Line 11: The section Twins cannot come after the section Relationships." in job["error"]["message"]
    await nothing_is_imported(jobs)


async def test_the_first_of_several_problems_is_told(jobs: Jobs):
    twins = [machine(f"m{number}") for number in range(600)]
    content = lines(twins=twins)
    content[5] = b"not the first line that is read, but the first in the file"
    content[300] = b"{"
    content += [b'{"Section": "Models"}']
    await jobs.run("one", content)
    assert [told["line"] for told in jobs.refused("one")] == [6]
    await nothing_is_imported(jobs)


async def test_a_problem_far_behind_what_is_read_at_a_time(jobs: Jobs):
    rows = [room(f"room{number}", label="x" * 2000) for number in range(2000)]
    content = [*lines(twins=rows), b"nothing"]
    job = await jobs.run("one", content)
    assert f"Line {len(content)}: " in job["error"]["message"]
    await nothing_is_imported(jobs)


async def test_an_error_beyond_the_form_stops_nothing_before_it(jobs: Jobs):
    job = await jobs.run("one", lines(twins=[machine("m"), machine("n", power="much")]))
    assert (job["status"], job["error"]["code"]) == ("failed", "ImportFailed")
    assert (await jobs.adt.twin("m"))["$dtId"] == "m"
    types = [(line["logType"], line["details"].get("status")) for line in jobs.log_lines("one")]
    assert [status for log_type, status in types if log_type == "Error"] == [None, "Failed", "Failed"]
    assert all(status in {"Started", "Succeeded"} for log_type, status in types if log_type == "Info")


async def test_a_file_without_models_or_twins_is_in_the_format(jobs: Jobs):
    await jobs.adt.post("/models", MODELS)
    content = [{"Section": "Header"}, HEADER, {"Section": "Twins"}, machine("m")]
    assert (await jobs.run("one", [json.dumps(row).encode() for row in content]))["status"] == "succeeded"
