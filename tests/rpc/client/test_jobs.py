"""Waiting for jobs."""

import pytest

from twinfront import AsyncTwinfrontClient, DeleteJob, JobNotFoundError, JobStatus
from twinfront._jobs import Looks


async def test_a_delete_job_is_waited_for(client: AsyncTwinfrontClient) -> None:
    job = await client.create_delete_job()
    ended = await client.wait_for_delete_job(job.id, timeout=30)
    assert (ended.id, ended.status) == (job.id, JobStatus.SUCCEEDED)


@pytest.mark.parametrize("kind", ["import", "delete"])
async def test_a_job_that_does_not_exist_is_not_waited_for(client: AsyncTwinfrontClient, kind: str) -> None:
    with pytest.raises(JobNotFoundError):
        await getattr(client, f"wait_for_{kind}_job")("nobody", timeout=30)


def test_looks_grow_rare_and_end_in_time() -> None:
    now = 0.0
    looks = Looks(20, clock=lambda: now)
    running = DeleteJob(id="job-1", status=JobStatus.RUNNING)
    pauses = []
    while now < 20:
        pauses.append(looks.pause(running))
        now += pauses[-1]
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 3.7])
    with pytest.raises(TimeoutError, match="the job job-1 has not ended in time: its status is running"):
        looks.pause(running)


def test_looks_without_a_timeout_go_on() -> None:
    looks = Looks(None)
    running = DeleteJob(id="job-1", status=JobStatus.RUNNING)
    assert max(looks.pause(running) for _ in range(1000)) == 5
