"""What jobs write is told in no changes of its own: a watch tells that it is so, and has the state come anew."""

import asyncio
import json
from pathlib import Path

import grpc.aio
import pytest

from twinfront.v1 import change_service_pb2 as messages
from twinfront.v1 import job_service_pb2 as jobs
from twinfront.v1.job_service_pb2_grpc import JobServiceStub

from ..services.building import ROOM
from .watcher import watching
from .writer import Writer

_LINES = [
    {"Section": "Header"},
    {"fileVersion": "1.0.0"},
    {"Section": "Twins"},
    {"$dtId": "imported", "$metadata": {"$model": ROOM}, "thermostat": {"$metadata": {}}},
]


pytestmark = pytest.mark.source_that(tells_jobs=True)


async def import_twin(channel: grpc.aio.Channel, blobs: Path) -> None:
    """Has a job import the twin `imported`."""
    (blobs / "graph.ndjson").write_text("".join(json.dumps(line) + "\n" for line in _LINES))
    job = jobs.ImportJob(input_blob_uri="file:graph.ndjson", output_blob_uri="file:log.ndjson")
    stub = JobServiceStub(channel)
    await stub.CreateImportJob(jobs.CreateImportJobRequest(job_id="job", import_job=job))
    async with asyncio.timeout(20):
        while (
            await stub.GetImportJob(jobs.GetImportJobRequest(job_id="job"))
        ).import_job.status != jobs.JOB_STATUS_SUCCEEDED:
            await asyncio.sleep(0.02)


async def test_a_job_that_writes_is_told_once_and_changes_go_on(channel: grpc.aio.Channel, write: Writer, blobs: Path):
    async with watching(channel) as watcher:
        await import_twin(channel, blobs)
        reset = (await watcher.next_but_checkpoints()).reset
        assert (reset.reason, reset.job_id) == (messages.Reset.REASON_BULK_JOB, "job")
        await write.room("room")
        assert await watcher.told(1) == [("TWIN_CREATED", "room")]


async def test_a_job_is_told_again_before_the_state_comes_anew(channel: grpc.aio.Channel, write: Writer, blobs: Path):
    await write.room("room")
    state = {"initial_state": messages.INITIAL_STATE_TWINS, "on_expired": messages.ON_EXPIRED_RESYNC}
    async with watching(channel, **state) as watcher:
        assert await watcher.state() == (["room"], [])
        await import_twin(channel, blobs)
        for _ in range(2):
            reset = (await watcher.next_but_checkpoints()).reset
            assert (reset.reason, reset.job_id) == (messages.Reset.REASON_BULK_JOB, "job")
        token = watcher.token
        assert await watcher.state() == (["imported", "room"], [])
    async with watching(channel, resume_token=token, **state) as watcher:
        assert await watcher.state() == (["imported", "room"], [])
