"""Delete jobs: everything goes, in order."""

import asyncio
from typing import Any

import pytest

from localtwins import LocalTwins

from ..adt import MODELS, Adt
from .importing import Gate, Jobs, lines, machine, room, served_by

JOBS = "/jobs/deletions"
GRAPH = lines(
    twins=[machine("machine"), *(room(f"room{number}") for number in range(1200))],
    relationships=[served_by(f"room{number}", "machine") for number in range(1200)],
)


async def finished(adt: Adt, job_id: str) -> Any:
    while (job := (await adt.get(f"{JOBS}/{job_id}")).body)["status"] not in {"succeeded", "failed"}:
        await asyncio.sleep(0.005)
    return job


async def test_a_delete_job_deletes_everything(jobs: Jobs):
    await jobs.run("import", GRAPH)
    answer = await jobs.adt.post(JOBS, None, operation_id="all")
    assert answer.status == 202
    assert answer.headers["Operation-Location"] == f"https://adt.example{JOBS}/all?api-version=2023-10-31"
    assert list(answer.body) == ["id", "status", "createdDateTime", "purgeDateTime"]
    assert answer.body["status"] == "notstarted"
    job = await finished(jobs.adt, "all")
    assert list(job) == ["id", "status", "createdDateTime", "finishedDateTime", "purgeDateTime"]
    assert job["status"] == "succeeded"
    read = jobs.adt.service._database.read
    assert (read.total("relationships"), read.total("digital_twins"), read.model_count()) == (0, 0, 0)
    assert read.relationship_counts("machine") == (0, 0)
    assert (await jobs.adt.post("/models", MODELS)).status == 201


async def test_import_jobs_and_event_routes_stay(jobs: Jobs):
    await jobs.run("import", GRAPH)
    database = jobs.adt.service._database
    await database.write(lambda tx: tx.put_event_route("route", "endpoint", "true"))
    await jobs.adt.post(JOBS, None, operation_id="all")
    await finished(jobs.adt, "all")
    assert (await jobs.get("import"))["status"] == "succeeded"
    assert [route.id for route in database.read.event_routes()] == ["route"]


async def test_the_service_gives_an_id_unless_the_caller_does(adt: Adt):
    job_id = (await adt.post(JOBS, None)).body["id"]
    assert (await finished(adt, job_id))["id"] == job_id


async def test_jobs_are_listed_in_the_order_of_creation(adt: Adt):
    for job_id in ("b", "a"):
        await adt.post(JOBS, None, operation_id=job_id)
        await finished(adt, job_id)
    body = (await adt.get(JOBS)).body
    assert ([job["id"] for job in body["value"]], body["nextLink"]) == (["b", "a"], None)


async def test_an_unknown_job_is_not_found(adt: Adt):
    answer = await adt.get(f"{JOBS}/x")
    assert (answer.status, answer.code) == (404, "DeleteJobNotFound")


async def test_an_id_can_be_used_once(adt: Adt):
    await adt.post(JOBS, None, operation_id="a")
    await finished(adt, "a")
    answer = await adt.post(JOBS, None, operation_id="a")
    assert (answer.status, answer.code) == (400, "ValidationFailed")


async def test_a_delete_job_does_not_start_while_another_job_runs(jobs: Jobs, gate: Gate):
    await jobs.start("import", lines())
    answer = await jobs.adt.post(JOBS, None)
    assert (answer.status, answer.code) == (400, "JobLimitReached")
    gate.opened.set()
    await jobs.finished("import")


@pytest.mark.parametrize("minutes", ["14", "1441", "x", "-20", "1e3", "99999999999"])
async def test_the_timeout_is_15_minutes_to_24_hours(adt: Adt, minutes: str):
    answer = await adt.post(f"{JOBS}?timeoutInMinutes={minutes}", None)
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert "timeoutInMinutes" in answer.message


async def test_a_job_that_takes_too_long_fails(jobs: Jobs, monkeypatch: pytest.MonkeyPatch):
    await jobs.run("import", GRAPH)
    monkeypatch.setattr("localtwins.jobs.delete_job._TICKS_PER_MINUTE", -1)
    await jobs.adt.post(f"{JOBS}?timeoutInMinutes=15", None, operation_id="all")
    job = await finished(jobs.adt, "all")
    assert (job["status"], job["error"]["code"]) == ("failed", "TimeoutError")


async def test_a_job_that_was_interrupted_goes_on(jobs: Jobs, tmp_path: Any):
    await jobs.run("import", GRAPH)
    await jobs.adt.post(JOBS, None, operation_id="all")
    await jobs.adt.service.close()
    service = await LocalTwins.open(tmp_path / "data")
    assert (await finished(Adt(service), "all"))["status"] == "succeeded"
    assert service._database.read.total("digital_twins") == 0
    await service.close()
