"""A job whose process ends goes on with the next one, and tells everything once."""

import asyncio
import json
import random
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from localtwins import LocalTwins, Settings
from localtwins.jobs.import_format import BATCH_ROWS
from localtwins.jobs.job import ImportJob

from ..adt import Adt
from ..serving import Server, start
from .importing import FINISHED, Gate, Jobs, lines, machine, room, served_by

QUERY = "api-version=2023-10-31"
TWINS = 12_000
BAD = range(0, TWINS, 1000)


def _graph() -> bytes:
    twins = [machine("machine", power="bad") if number in BAD else room(f"room{number}") for number in range(TWINS)]
    relationships = [served_by(f"room{number}", "hub") for number in range(TWINS) if number not in BAD]
    return b"\n".join(lines(twins=[machine("hub"), *twins], relationships=relationships))


async def _start(tmp_path: Path) -> Server:
    return await start("--http", "--data-dir", str(tmp_path / "data"), "--jobs-dir", str(tmp_path))


async def _finish(http: aiohttp.ClientSession, server: Server, url: str) -> Any:
    while True:
        async with http.get(f"{server.url}{url}?{QUERY}") as answer:
            job = await answer.json()
        if job["status"] in FINISHED:
            return job
        await asyncio.sleep(0.02)


@pytest.mark.timeout(240)
async def test_an_import_survives_kills_and_does_and_tells_everything_once(tmp_path: Path):
    (tmp_path / "graph.ndjson").write_bytes(_graph())
    async with aiohttp.ClientSession() as http:
        server = await _start(tmp_path)
        body = {"inputBlobUri": "file:graph.ndjson", "outputBlobUri": "file:log.ndjson"}
        async with http.put(f"{server.url}/jobs/imports/one?{QUERY}", json=body) as answer:
            assert answer.status == 201
        statuses = []
        for _ in range(4):
            await asyncio.sleep(random.uniform(0.05, 0.6))
            async with http.get(f"{server.url}/jobs/imports/one?{QUERY}") as answer:
                statuses.append((await answer.json())["status"])
            await server.stop(signal.SIGKILL)
            server = await _start(tmp_path)
        job = await _finish(http, server, "/jobs/imports/one")
        assert await server.stop() == 0
    assert "running" in statuses
    assert (job["status"], job["error"]["code"]) == ("failed", "ImportFailed")
    service = await LocalTwins.open(tmp_path / "data")
    read = service._database.read
    assert read.total("digital_twins") == TWINS - len(BAD) + 1
    assert read.total("relationships") == TWINS - len(BAD)
    state = ImportJob.from_json(read.job("import", "one", 0) or b"")
    assert sum(state.imported.values()) == 4 + (TWINS - len(BAD) + 1) + (TWINS - len(BAD))
    assert sum(state.failed.values()) == len(BAD)
    assert read.job_log(0, 1) == []
    batches = 1 + -(-(TWINS + 1) // BATCH_ROWS) + -(-(TWINS - len(BAD)) // BATCH_ROWS)
    changes = [change.type for change in service.changes.read(0, 1000)]
    assert changes == ["localtwins.Job.Write"] * batches + ["localtwins.Job.End"], "each with what it tells of"
    await service.close()
    log = [json.loads(line)["details"] for line in (tmp_path / "log.ndjson").read_text().splitlines()]
    assert max(Counter(map(json.dumps, log)).values()) == 1, "nothing is told twice"
    assert len([details for details in log if "line" in details]) == len(BAD)
    assert (log[0], log[-1]) == ({"status": "Started"}, {"status": "Failed"})


Change = Callable[[Path], object]


async def _interrupted(tmp_path: Path, folder: Path, gate: Gate) -> None:
    """Leave a job that is running and has read nothing."""
    service = await LocalTwins.open(tmp_path / "data", Settings(jobs_dir=str(folder)))
    jobs = Jobs(Adt(service), folder)
    await jobs.start("one", lines(twins=[machine("m")]))
    await jobs.reached("one", "running")
    while not (folder / "one.log").exists():
        await asyncio.sleep(0.005)
    await service.close()
    gate.opened.set()


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        pytest.param(lambda _: None, "succeeded", None, id="nothing changed"),
        pytest.param(
            lambda folder: (folder / "one.ndjson").write_text("other"),
            "failed",
            "UnableToReadInputBlob",
            id="other input",
        ),
        pytest.param(lambda folder: (folder / "one.ndjson").unlink(), "failed", "UnableToReadInputBlob", id="no input"),
    ],
)
async def test_a_job_goes_on_or_fails_at_the_next_start(
    tmp_path: Path, folder: Path, gate: Gate, change: Change, status: str, code: str | None
):
    await _interrupted(tmp_path, folder, gate)
    change(folder)
    service = await LocalTwins.open(tmp_path / "data", Settings(jobs_dir=str(folder)))
    job = await Jobs(Adt(service), folder).finished("one")
    assert (job["status"], job.get("error", {}).get("code")) == (status, code)
    await service.close()


async def test_a_job_whose_files_are_not_allowed_any_more_fails(tmp_path: Path, folder: Path, gate: Gate):
    await _interrupted(tmp_path, folder, gate)
    service = await LocalTwins.open(tmp_path / "data")
    job = await Jobs(Adt(service), folder).finished("one")
    assert (job["status"], job["error"]["code"]) == ("failed", "UnableToWriteToOutputBlob")
    await service.close()


@pytest.mark.usefixtures("gate")
async def test_a_job_that_was_to_be_cancelled_is_cancelled_at_the_next_start(tmp_path: Path, folder: Path):
    service = await LocalTwins.open(tmp_path / "data", Settings(jobs_dir=str(folder)))
    jobs = Jobs(Adt(service), folder)
    await jobs.start("one", lines(twins=[machine("m")]))
    await jobs.reached("one", "running")
    await jobs.adt.post("/jobs/imports/one/cancel", None)
    await service.close()
    (folder / "one.ndjson").unlink()
    service = await LocalTwins.open(tmp_path / "data", Settings(jobs_dir=str(folder)))
    assert (await Jobs(Adt(service), folder).finished("one"))["status"] == "cancelled"
    await service.close()
