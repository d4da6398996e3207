"""Import jobs answer as the service was recorded to.

Jobs really run: the recorded storage stands for a folder, and a job is held up until the recording shows its end.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from localtwins import LocalTwins, Request, Settings

from ..localtwins.jobs.importing import FINISHED, Gate, lines, machine
from . import recordings
from .recordings import Exchange, Replay

pytestmark = pytest.mark.usefixtures("shared")

_STORAGE = "https://storageaccount.blob.core.windows.net/container/"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{0,6}[1-9])?Z")
_JOBS = "/jobs/imports"


class JobReplay(Replay):
    """A replay in which the times of jobs are compared by their form."""

    def _compare_value(self, key: str, recorded: Any, ours: Any) -> None:
        if key.endswith("DateTime") and recorded is not None:
            assert _TIME.fullmatch(ours), (key, ours)
        else:
            super()._compare_value(key, recorded, ours)


class Session:
    """One recording against a service whose folder has an input for every recorded job."""

    def __init__(self, service: LocalTwins, folder: Path, gate: Gate) -> None:
        self._service = service
        self._folder = folder
        self._gate = gate
        self._replay = JobReplay(service.handle)

    async def run(self, recording: recordings.Recording) -> None:
        exchanges = [json.loads(json.dumps(e).replace(_STORAGE, "file:")) for e in recording.exchanges]
        self._write_inputs(exchanges)
        listed = [e["response_body"]["value"] for e in exchanges if e["path"] == _JOBS and e["status"] == 200]
        for job in listed[0] if listed else []:
            if job["id"] in recording.assumes.get("jobs", []):
                await self._leave_behind(job)
        self._gate.opened.clear()
        for exchange in exchanges:
            if exchange["status"] == 429 and isinstance(exchange["response_body"], dict):
                continue  # the recorded instance's own throttle
            await self._wait_for(exchange)
            await self._replay.run(exchange)

    def _write_inputs(self, exchanges: list[Exchange]) -> None:
        for name in set(re.findall(r'"file:([^"]+)"', json.dumps(exchanges))):
            (self._folder / name).write_bytes(b"\n".join(lines(twins=[machine("m")])))

    async def _leave_behind(self, job: Any) -> None:
        """Have a job come to its recorded end."""
        output = self._folder / job["outputBlobUri"].removeprefix("file:")
        if job["status"] == "failed":
            output.unlink()
            output.mkdir()
        if job["status"] == "cancelled":
            self._gate.opened.clear()
        else:
            self._gate.opened.set()
        uris = {name: job[name] for name in ("inputBlobUri", "outputBlobUri")}
        assert await self._send("PUT", f"{_JOBS}/{job['id']}", uris) == 201
        if job["status"] == "cancelled":
            assert await self._send("POST", f"{_JOBS}/{job['id']}/cancel") == 200
            self._gate.opened.set()
        await self._reach(job["id"], {job["status"]})
        if output.is_dir():
            output.rmdir()
            output.write_bytes(b"")

    async def _wait_for(self, exchange: Exchange) -> None:
        """Bring the job that an exchange is about as far as it was recorded to be."""
        body = exchange["response_body"] or {}
        if exchange["path"] == _JOBS:
            body = body["value"][-1]
        job_id = exchange["path"].split("/")[3] if exchange["path"] != _JOBS else body["id"]
        if exchange["status"] in {204, 409}:
            self._gate.opened.set()
            await self._reach(job_id, FINISHED)
        elif exchange["status"] == 200:
            if body["status"] in FINISHED:
                self._gate.opened.set()
            await self._reach(job_id, {body["status"]})

    async def _reach(self, job_id: str, statuses: set[str]) -> None:
        while True:
            answer = await self._service.handle(Request("GET", f"{_JOBS}/{job_id}", "api-version=2023-10-31"))
            status = json.loads(answer.body)["status"]
            if status in statuses:
                return
            assert status not in FINISHED, (job_id, status, statuses)
            await asyncio.sleep(0.002)

    async def _send(self, method: str, path: str, body: Any = None) -> int:
        content = b"" if body is None else json.dumps(body).encode()
        return (await self._service.handle(Request(method, path, "api-version=2023-10-31", {}, content))).status


@pytest.fixture
async def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Session]:
    gate = Gate()
    monkeypatch.setattr("localtwins.jobs.import_run.open_blob", gate.open_blob)
    folder = tmp_path / "blobs"
    folder.mkdir()
    service = await LocalTwins.open(tmp_path / "data", Settings(jobs_dir=str(folder)))
    yield Session(service, folder, gate)
    await service.close()


async def test_answers_as_recorded(recording_name: str, session: Session) -> None:
    await session.run(recordings.load(recording_name))
