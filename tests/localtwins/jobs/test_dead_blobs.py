"""Blobs that do not answer hold no other job up for long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from localtwins import LocalTwins, Settings

from ..adt import Adt
from .importing import Gate, Jobs, lines, machine

SMALL = lines(twins=[machine("m")])


@pytest.fixture
async def silent() -> AsyncIterator[str]:
    """The URL of an account whose server takes connections and says nothing."""

    async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/account"
    server.close()
    for writer in writers:
        writer.close()


@asynccontextmanager
async def jobs_with(folder: Path, storage: str) -> AsyncIterator[Jobs]:
    service = await LocalTwins.open(":memory:", Settings(jobs_dir=str(folder), jobs_storage=storage))
    yield Jobs(Adt(service), folder)
    await service.close()


async def test_an_input_that_does_not_answer_is_given_up(folder: Path, silent: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("localtwins.jobs.first_answer.PATIENCE_SECONDS", 0.3)
    async with jobs_with(folder, silent) as jobs:
        await jobs.put("dead", f"{silent}/container/in?sig=secret", "file:dead.log")
        job = await jobs.finished("dead")
        assert job["error"]["code"] == "UnableToReadInputBlob"
        assert f"{silent}/container/in: it did not answer within 0." in job["error"]["message"]
        assert (await jobs.run("next", SMALL))["status"] == "succeeded"


async def test_an_output_that_does_not_answer_is_given_up(folder: Path, silent: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("localtwins.jobs.first_answer.PATIENCE_SECONDS", 0.3)
    async with jobs_with(folder, silent) as jobs:
        (folder / "in").write_bytes(b"\n".join(SMALL))
        await jobs.put("dead", "file:in", f"{silent}/container/log")
        assert (await jobs.finished("dead"))["error"]["code"] == "UnableToWriteToOutputBlob"
        assert (await jobs.run("next", SMALL))["status"] == "succeeded"


@pytest.mark.parametrize("dead_blob", ["input", "output", "both"])
async def test_a_blob_that_does_not_answer_makes_room_for_another_job(
    folder: Path, silent: str, monkeypatch: pytest.MonkeyPatch, dead_blob: str
):
    monkeypatch.setattr("localtwins.jobs.first_answer.PATIENCE_BESIDE_OTHERS", 0.2)
    async with jobs_with(folder, silent) as jobs, asyncio.timeout(5):
        (folder / "in").write_bytes(b"\n".join(SMALL))
        uri = f"{silent}/container/blob"
        await jobs.put(
            "dead",
            "file:in" if dead_blob == "output" else uri,
            "file:dead.log" if dead_blob == "input" else uri,
        )
        await asyncio.sleep(0.4)
        assert (await jobs.run("next", SMALL))["status"] == "succeeded"
        assert (await jobs.finished("dead"))["status"] == "failed"


async def test_a_delete_job_does_not_wait_for_a_blob(folder: Path, silent: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("localtwins.jobs.first_answer.PATIENCE_BESIDE_OTHERS", 0.2)
    async with jobs_with(folder, silent) as jobs, asyncio.timeout(5):
        await jobs.put("dead", f"{silent}/container/in", "file:dead.log")
        await asyncio.sleep(0.4)
        assert (await jobs.adt.post("/jobs/deletions", None)).status == 202


async def test_a_job_that_has_just_begun_keeps_its_place(folder: Path, silent: str):
    async with jobs_with(folder, silent) as jobs, asyncio.timeout(5):
        await jobs.put("dead", f"{silent}/container/in", "file:dead.log")
        assert (await jobs.adt.post("/jobs/deletions", None)).status == 400
        await jobs.adt.post("/jobs/imports/dead/cancel", None)


async def test_cancelling_does_not_wait_for_an_input(folder: Path, silent: str):
    async with jobs_with(folder, silent) as jobs, asyncio.timeout(5):
        await jobs.put("dead", f"{silent}/container/in", "file:dead.log")
        await asyncio.sleep(0.2)
        assert (await jobs.adt.post("/jobs/imports/dead/cancel", None)).status == 200
        assert (await jobs.finished("dead"))["status"] == "cancelled"
        assert jobs.log("dead")[-1] == {"status": "Cancelled"}
        assert (await jobs.run("next", SMALL))["status"] == "succeeded"


async def test_cancelling_does_not_wait_for_an_output(folder: Path, silent: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("localtwins.jobs.import_run._CANCELLING_SECONDS", 0.2)
    async with jobs_with(folder, silent) as jobs, asyncio.timeout(5):
        (folder / "in").write_bytes(b"\n".join(SMALL))
        await jobs.put("dead", "file:in", f"{silent}/container/log")
        await jobs.reached("dead", "running")
        assert (await jobs.adt.post("/jobs/imports/dead/cancel", None)).status == 200
        job = await jobs.finished("dead")
        assert job["status"] == "cancelled"
        assert "error" not in job


async def test_cancelling_does_not_wait_for_the_next_piece_of_the_input(jobs: Jobs, gate: Gate):
    async with asyncio.timeout(5):
        await jobs.start("one", SMALL)
        await jobs.reached("one", "running")
        await jobs.adt.post("/jobs/imports/one/cancel", None)
        assert (await jobs.finished("one"))["status"] == "cancelled"
    assert not gate.opened.is_set()


async def test_a_dry_run_of_a_cancel_cancels_nothing(jobs: Jobs, gate: Gate):
    await jobs.start("one", SMALL)
    await jobs.reached("one", "running")
    answer = await jobs.adt.send("POST", "/jobs/imports/one/cancel", None, localtwins_validate_only="true")
    assert answer.status == 200
    gate.opened.set()
    assert (await jobs.finished("one"))["status"] == "succeeded"


async def test_a_missing_file_is_told_by_its_url_and_not_by_a_path_of_the_machine(jobs: Jobs):
    await jobs.put("one", "file:nothing.ndjson", "file:one.log")
    message = (await jobs.finished("one"))["error"]["message"]
    assert "file:nothing.ndjson: No such file or directory" in message
    assert str(jobs.folder) not in message
    assert str(jobs.folder) not in (jobs.folder / "one.log").read_text()
