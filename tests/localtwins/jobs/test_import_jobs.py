"""Import jobs over REST: their life, their statuses, and what is refused."""

import asyncio
import json
import os
import re
from datetime import date
from pathlib import Path

import pytest

from localtwins import LocalTwins, Settings

from ..adt import MODELS, Adt
from .importing import Gate, Jobs, lines, machine

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,6}[1-9])?Z")
KEYS = ["id", "inputBlobUri", "outputBlobUri", "createdDateTime", "lastActionDateTime", "purgeDateTime", "status"]
SMALL = lines(twins=[machine("m")])


async def test_a_job_is_answered_before_it_starts(jobs: Jobs):
    answer = await jobs.start("one", SMALL)
    assert answer.status == 201
    assert list(answer.body) == KEYS
    assert answer.body["status"] == "notstarted"
    assert all(TIME.fullmatch(answer.body[key]) for key in KEYS if key.endswith("DateTime"))
    await jobs.finished("one")


async def test_a_job_that_succeeded_tells_when_it_finished(jobs: Jobs):
    job = await jobs.run("one", SMALL)
    assert list(job) == [*KEYS[:5], "finishedDateTime", *KEYS[5:]]
    assert job["status"] == "succeeded"
    assert job["finishedDateTime"] == job["lastActionDateTime"]
    assert (await jobs.adt.twin("m"))["$metadata"]["$model"] == "dtmi:test:Machine;1"


async def test_a_job_is_kept_for_30_days(jobs: Jobs):
    job = await jobs.run("one", SMALL)
    created, purged = (job[key].split("T")[0] for key in ("createdDateTime", "purgeDateTime"))
    assert (date.fromisoformat(purged) - date.fromisoformat(created)).days == 30


async def test_a_job_is_gone_after_its_purge_time(jobs: Jobs):
    await jobs.run("one", SMALL)
    await jobs.adt.service._database.write(lambda tx: tx._connection.execute("UPDATE jobs SET purge_time = 1"))
    assert (await jobs.adt.get("/jobs/imports/one")).code == "JobNotFound"
    assert (await jobs.adt.get("/jobs/imports")).body["value"] == []
    assert (await jobs.start("one", SMALL)).status == 201
    await jobs.finished("one")


async def test_the_first_preview_writes_a_null_where_there_is_no_end_yet(jobs: Jobs, gate: Gate):
    await jobs.start("one", SMALL)
    preview = Adt(jobs.adt.service, "2023-02-27-preview")
    job = (await preview.get("/jobs/imports/one")).body
    assert list(job) == [*KEYS[:5], "finishedDateTime", *KEYS[5:]]
    assert job["finishedDateTime"] is None
    gate.opened.set()
    await jobs.finished("one")


@pytest.mark.parametrize("version", ["2020-10-31", "2022-05-31"])
async def test_older_api_versions_have_no_jobs(jobs: Jobs, version: str):
    old = Adt(jobs.adt.service, version)
    for method, path in [("GET", "/jobs/imports"), ("PUT", "/jobs/imports/a"), ("POST", "/jobs/deletions")]:
        assert (await old.send(method, path, None)).code == "UnsupportedApiVersion"


async def test_jobs_are_listed_in_the_order_of_creation(jobs: Jobs):
    for job_id in ("b", "c", "a"):
        await jobs.run(job_id, SMALL)
    answer = await jobs.adt.get("/jobs/imports")
    assert list(answer.body) == ["value", "nextLink"]
    assert [job["id"] for job in answer.body["value"]] == ["b", "c", "a"]
    assert answer.body["nextLink"] is None


async def test_a_long_list_comes_in_pages(jobs: Jobs):
    for job_id in ("b", "c", "a"):
        await jobs.run(job_id, SMALL)
    first = (await jobs.adt.get("/jobs/imports", max_items_per_page="2")).body
    link = re.fullmatch(
        r"https://adt.example(/jobs/imports\?continuationToken=[^&]+)&api-version=2023-10-31", first["nextLink"]
    )
    assert link
    second = (await jobs.adt.get(link[1])).body
    assert [job["id"] for page in (first, second) for job in page["value"]] == ["b", "c", "a"]


async def test_an_unknown_job_is_not_found(jobs: Jobs):
    for method, path in [("GET", "x"), ("DELETE", "x"), ("POST", "x/cancel")]:
        answer = await jobs.adt.send(method, f"/jobs/imports/{path}", None)
        assert (answer.status, answer.code) == (404, "JobNotFound")
        assert "x-ms-error-code" not in answer.headers


async def test_a_second_job_is_throttled_while_one_runs(jobs: Jobs, gate: Gate):
    await jobs.start("one", SMALL)
    for job_id in ("two", "one"):
        answer = await jobs.start(job_id, SMALL)
        assert answer.status == 429
        assert "Retry-After" not in answer.headers
        assert isinstance(answer.body, str), "encoded twice"
        assert json.loads(answer.body)["error"]["code"] == "TooManyRequests"
    gate.opened.set()
    await jobs.finished("one")
    assert (await jobs.start("two", SMALL)).status == 201
    await jobs.finished("two")


async def test_an_id_can_be_used_once(jobs: Jobs):
    await jobs.run("one", SMALL)
    answer = await jobs.start("one", SMALL)
    assert (answer.status, answer.code) == (409, "JobIdAlreadyExists")


async def test_a_finished_job_can_be_deleted(jobs: Jobs):
    await jobs.run("one", SMALL)
    assert (await jobs.adt.delete("/jobs/imports/one")).status == 204
    assert (await jobs.adt.get("/jobs/imports/one")).code == "JobNotFound"


async def test_a_running_job_cannot_be_deleted(jobs: Jobs, gate: Gate):
    await jobs.start("one", SMALL)
    answer = await jobs.adt.delete("/jobs/imports/one")
    assert (answer.status, answer.code) == (400, "ValidationFailed")
    gate.opened.set()
    await jobs.finished("one")


async def test_cancelling_stops_a_job_and_keeps_what_it_did(jobs: Jobs, gate: Gate):
    await jobs.start("one", SMALL)
    before = await jobs.reached("one", "running")
    answer = await jobs.adt.post("/jobs/imports/one/cancel", None)
    assert (answer.status, answer.body) == (200, before), "as it was"
    assert (await jobs.get("one"))["status"] == "cancelling"
    assert (await jobs.adt.post("/jobs/imports/one/cancel", None)).body["status"] == "cancelling"
    gate.opened.set()
    job = await jobs.finished("one")
    assert job["status"] == "cancelled"
    assert list(job) == KEYS, "neither an end nor an error"
    assert (await jobs.adt.get("/digitaltwins/m")).status == 404
    assert jobs.log("one") == [{"status": "Started"}, {"status": "Cancelled"}]


async def test_a_job_that_is_over_cannot_be_cancelled(jobs: Jobs):
    await jobs.run("one", SMALL)
    answer = await jobs.adt.post("/jobs/imports/one/cancel", None)
    assert (answer.status, answer.code) == (400, "ValidationFailed")


async def test_a_uri_that_is_none_is_refused(jobs: Jobs):
    answer = await jobs.put("one", "invalidUri", "invalidOutputUri")
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert answer.message.startswith(
        "Azure Storage Blob URI 'invalidUri' failed validation. "
        "Invalid URI: The format of the URI could not be determined. Please check: https://"
    )


@pytest.mark.parametrize(
    "uri",
    [
        "ftp://host/container/blob",
        "https://host",
        "https://host/container",
        "https:///container/blob",
        "https://host:x/container/blob",
        "file:../data/localtwins.db",
        "file:%2e%2e/data/localtwins.db",
        "file:/etc/passwd",
        "file://elsewhere/a.ndjson",
        "file:a.ndjson?sig=x",
        "file:a.ndjson#part",
        "file:",
        "file:%00",
        "file:%ff",
    ],
)
async def test_uris_of_no_allowed_blob_are_refused(jobs: Jobs, uri: str):
    for uris in ((uri, "file:out"), ("file:in", uri)):
        answer = await jobs.put("one", *uris)
        assert (answer.status, answer.code) == (400, "InvalidArgument"), answer
    assert (await jobs.adt.get("/jobs/imports")).body["value"] == []


@pytest.mark.parametrize("uri", ["file:in", "file:{folder}/in", "file://{folder}/in", "file://localhost{folder}/in"])
async def test_a_file_is_named_in_each_form_of_its_uri(jobs: Jobs, uri: str):
    (jobs.folder / "in").write_bytes(b"\n".join(lines()))
    await jobs.put("one", uri.format(folder=jobs.folder), "file:out")
    assert (await jobs.finished("one"))["status"] == "succeeded"


async def test_a_refusal_does_not_repeat_a_signature(jobs: Jobs):
    assert "secret" not in (await jobs.put("one", "https://host/c?sig=secret", "file:out")).message


async def test_a_link_out_of_the_directory_is_refused(jobs: Jobs, tmp_path: Path):
    (jobs.folder / "link").symlink_to(tmp_path)
    assert (await jobs.put("one", "file:link/secret", "file:out")).code == "InvalidArgument"


async def test_files_are_refused_unless_the_operator_allows_a_directory(empty: Adt):
    answer = await empty.put("/jobs/imports/one", {"inputBlobUri": "file:in", "outputBlobUri": "file:out"})
    assert answer.code == "InvalidArgument"
    assert "--jobs-dir" in answer.message


@pytest.mark.parametrize("body", [[], {}, {"inputBlobUri": "file:in"}, {"inputBlobUri": 1, "outputBlobUri": "file:o"}])
async def test_a_body_without_the_two_uris_is_refused(jobs: Jobs, body: object):
    answer = await jobs.adt.put("/jobs/imports/one", body)
    assert (answer.status, answer.code) == (400, "InvalidArgument")
    assert "BlobUri" in answer.message


async def test_an_input_that_is_not_there_fails_the_job(jobs: Jobs):
    await jobs.put("one", "file:missing", "file:one.log")
    job = await jobs.finished("one")
    assert (job["status"], job["error"]["code"]) == ("failed", "UnableToReadInputBlob")
    assert [details.get("status") for details in jobs.log("one")] == [None, "Failed"]


async def test_an_output_that_cannot_be_written_fails_the_job_before_it_imports(jobs: Jobs):
    (jobs.folder / "one.log").mkdir()
    job = await jobs.run("one", SMALL)
    assert job["status"] == "failed"
    assert job["error"] == {
        "code": "UnableToWriteToOutputBlob",
        "message": (
            "Encountered errors while importing models. Service was unable to write error feed to output blob. "
            "Please see that output blob exists and Azure Digital Twin instance's managed identity has "
            "Storage Blob Data Contributor access to that container."
        ),
    }
    assert (await jobs.adt.get("/models")).body["value"] == []


async def test_a_pipe_is_no_blob(jobs: Jobs):
    os.mkfifo(jobs.folder / "pipe")
    await jobs.put("one", "file:pipe", "file:one.log")
    assert (await jobs.finished("one"))["error"]["code"] == "UnableToReadInputBlob"


async def test_other_writes_go_on_meanwhile(jobs: Jobs):
    await jobs.adt.post("/models", MODELS)
    await jobs.start("one", lines(twins=(machine(f"m{number}") for number in range(5000))))
    written = 0
    while (await jobs.get("one"))["status"] not in {"succeeded", "failed"}:
        assert (await jobs.adt.put(f"/digitaltwins/own{written}", machine("own"))).status == 200
        written += 1
        await asyncio.sleep(0)
    assert written > 1
    assert (await jobs.get("one"))["status"] == "succeeded"


async def test_the_output_has_the_lines_of_what_was_imported_while_the_job_still_runs(jobs: Jobs, gate: Gate):
    unknown = {"nothing": "x" * 4000}
    content = lines(twins=[machine(f"m{number}", **unknown) for number in range(400)])
    size = sum(len(line) + 1 for line in content)
    assert 1 << 20 < size < 2 << 20, "two pieces"
    gate.free = 3  # both pieces to check them, one to import it
    await jobs.start("one", content)
    async with asyncio.timeout(30):
        while not jobs.refused("one"):
            await asyncio.sleep(0.01)
    assert (await jobs.get("one"))["status"] == "running"
    assert 0 < len(jobs.refused("one")) < 400
    gate.opened.set()
    await jobs.finished("one")
    assert len(jobs.refused("one")) == 400


async def test_jobs_work_in_a_service_in_memory(folder: Path):
    service = await LocalTwins.open(":memory:", Settings(jobs_dir=str(folder)))
    assert (await Jobs(Adt(service), folder).run("one", SMALL))["status"] == "succeeded"
    await service.close()
