"""The steps of a delete job: relationships go first, then digital twins, then models.

Event routes stay, and the change log tells only that it was done.
"""

from dataclasses import replace
from typing import Final

from localtwins import errors
from localtwins.engine.clock import TICKS_PER_SECOND
from localtwins.errors import JobError
from localtwins.jobs.job import DELETE, DeleteJob, Status, told
from localtwins.jobs.told_changes import tell_end, tell_write
from localtwins.store.reader import Reader
from localtwins.store.transaction import Transaction

_TICKS_PER_MINUTE: Final = 60 * TICKS_PER_SECOND
_BATCH: Final = 500


def create(tx: Transaction, job_id: str, timeout_minutes: int) -> DeleteJob:
    """Stores a new job.

    Raises:
        AdtError: JobLimitReached while another runs, ValidationFailed if the id is taken.
    """
    now = tx.now()
    tx.purge_jobs(now)
    if tx.unfinished_job() is not None:
        raise errors.delete_job_in_progress()
    if tx.job(DELETE, job_id, now) is not None:
        raise errors.delete_job_exists(job_id)
    job = DeleteJob.new(job_id, now, timeout_minutes=timeout_minutes)
    tx.insert_job(DELETE, job_id, purge_time=job.purge, state=job.to_json())
    return job


def get(read: Reader, job_id: str, now: int) -> DeleteJob:
    """Gives a job.

    Raises:
        AdtError: DeleteJobNotFound.
    """
    state = read.job(DELETE, job_id, now)
    if state is None:
        raise errors.delete_job_not_found(job_id)
    return DeleteJob.from_json(state)


def advance(tx: Transaction, job_id: str) -> DeleteJob:
    """Deletes some of what is left; the job is finished when nothing is, or when its time is over."""
    now = tx.now()
    job = get(tx, job_id, now)
    if now > job.created + job.timeout_minutes * _TICKS_PER_MINUTE:
        return finish(tx, job_id, errors.delete_job_timeout(job.timeout_minutes))
    deleted = (
        tx.delete_some_relationships(_BATCH) or tx.delete_some_digital_twins(_BATCH) or tx.delete_some_models(_BATCH)
    )
    if deleted:
        tell_write(tx, DELETE, job_id)
    job = job.moved(Status.RUNNING if deleted else Status.SUCCEEDED, now)
    _store(tx, job)
    return job


def finish(tx: Transaction, job_id: str, error: JobError) -> DeleteJob:
    """Lets a job fail; what it has deleted is gone."""
    now = tx.now()
    job = replace(get(tx, job_id, now).moved(Status.FAILED, now), error=told(error))
    _store(tx, job)
    return job


def _store(tx: Transaction, job: DeleteJob) -> None:
    if job.status.finished:
        tell_end(tx, DELETE, job.id)
    tx.update_job(DELETE, job.id, finished=job.status.finished, state=job.to_json())
