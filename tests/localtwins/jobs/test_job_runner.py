"""What the background does when something other than the input is wrong."""

import asyncio
import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from localtwins import LocalTwins, Settings, StartupError
from localtwins.jobs import import_job

from .importing import Jobs, lines, machine


async def test_a_job_goes_on_after_a_storage_error(jobs: Jobs, monkeypatch: pytest.MonkeyPatch, caplog: Any):
    monkeypatch.setattr("localtwins.jobs.runner._SECONDS_BETWEEN_ATTEMPTS", 0.01)
    advance, failures = import_job.advance, [sqlite3.OperationalError("database or disk is full")] * 3

    def failing(*arguments: Any) -> Any:
        if failures:
            raise failures.pop()
        return advance(*arguments)

    monkeypatch.setattr(import_job, "advance", failing)
    job = await jobs.run("one", lines(twins=[machine("m")]))
    assert job["status"] == "succeeded"
    assert not failures
    assert "disk is full" in caplog.text
    assert jobs.log("one").count({"status": "Started"}) == 1


async def test_a_defect_ends_an_import_job_and_is_logged(jobs: Jobs, monkeypatch: pytest.MonkeyPatch, caplog: Any):
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(import_job, "advance", broken)
    with caplog.at_level(logging.ERROR):
        job = await jobs.run("one", lines(twins=[machine("m")]))
    assert (job["status"], job["error"]["code"]) == ("failed", "InternalServerError")
    assert "ZeroDivisionError" in caplog.text
    monkeypatch.undo()
    assert (await jobs.run("two", lines()))["status"] == "succeeded"


async def test_a_defect_ends_a_delete_job_and_is_logged(jobs: Jobs, monkeypatch: pytest.MonkeyPatch, caplog: Any):
    monkeypatch.setattr("localtwins.jobs.delete_job._BATCH", "many")
    await jobs.run("one", lines(twins=[machine("m")]))
    await jobs.adt.post("/jobs/deletions", None, operation_id="all")
    while (job := (await jobs.adt.get("/jobs/deletions/all")).body)["status"] != "failed":
        await asyncio.sleep(0.005)
    assert job["error"]["code"] == "InternalServerError"
    assert "Traceback" in caplog.text


async def test_a_jobs_directory_that_is_not_there_is_told_at_the_start(tmp_path: Path):
    with pytest.raises(StartupError, match="--jobs-dir must be a directory"):
        await LocalTwins.open(tmp_path / "data", Settings(jobs_dir=str(tmp_path / "none")))
    assert not (tmp_path / "data").exists()
