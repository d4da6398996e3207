"""The steps of an import job, each one transaction with everything that it imports, tells and logs.

A job that was interrupted between two steps goes on with the next: its state has the place in the input, and the lines
of its log that the output blob may not have yet are kept with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from localtwins import errors
from localtwins.errors import ImportFileError, JobError
from localtwins.jobs import job_log
from localtwins.jobs.import_format import Batch, Section
from localtwins.jobs.job import IMPORT, ImportJob, Status, told
from localtwins.jobs.rows import RowError, import_batch
from localtwins.jobs.told_changes import tell_end
from localtwins.operations.models import CheckedModels
from localtwins.settings import Settings
from localtwins.store.reader import Reader
from localtwins.store.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Flushed:
    """Counts what the output blob has of the log: bytes, and the position up to which lines need not be kept."""

    log_bytes: int
    position: int = 0


def create(tx: Transaction, job_id: str, input_uri: str, output_uri: str) -> ImportJob:
    """Stores a new job.

    Raises:
        AdtError: TooManyRequests while another runs, before it looks at the id (recorded); then JobIdAlreadyExists.
    """
    now = tx.now()
    tx.purge_jobs(now)
    if tx.unfinished_job() is not None:
        raise errors.import_job_in_progress()
    if tx.job(IMPORT, job_id, now) is not None:
        raise errors.import_job_exists(job_id)
    job = ImportJob.new(job_id, now, input_uri=input_uri, output_uri=output_uri)
    tx.insert_job(IMPORT, job_id, purge_time=job.purge, state=job.to_json())
    return job


def get(read: Reader, job_id: str, now: int) -> ImportJob:
    """Gives a job.

    Raises:
        AdtError: JobNotFound.
    """
    state = read.job(IMPORT, job_id, now)
    if state is None:
        raise errors.import_job_not_found(job_id)
    return ImportJob.from_json(state)


def cancel(tx: Transaction, job_id: str) -> ImportJob:
    """Asks a job to stop and gives it as it was before (recorded); what it has imported stays.

    Raises:
        AdtError: JobNotFound, or ValidationFailed if it is over.
    """
    now = tx.now()
    job = get(tx, job_id, now)
    if job.status.finished:
        raise errors.job_finished(job_id, job.status)
    if job.status is not Status.CANCELLING:
        _store(tx, job.moved(Status.CANCELLING, now))
    return job


def delete(tx: Transaction, job_id: str) -> None:
    """Forgets a job.

    Raises:
        AdtError: JobNotFound, or ValidationFailed if it is not over.
    """
    job = get(tx, job_id, tx.now())
    if not job.status.finished:
        raise errors.job_not_finished(job_id, job.status)
    tx.delete_job(IMPORT, job_id)


def begin(tx: Transaction, job_id: str, input_version: str) -> ImportJob:
    """Lets a job run; one that was interrupted goes on.

    Raises:
        JobError: its input is another one by now.
    """
    now = tx.now()
    job = get(tx, job_id, now)
    if job.input_version is None:
        job = replace(job, input_version=input_version)
        tx.append_job_log([job_log.event(job_id, now, "Started")])
    elif job.input_version != input_version:
        raise errors.input_blob_unreadable("it was changed while the job was interrupted")
    if job.status is Status.NOT_STARTED:
        job = job.moved(Status.RUNNING, now)
    _store(tx, job)
    return job


def advance(
    tx: Transaction,
    settings: Settings,
    job_id: str,
    batch: Batch,
    flushed: Flushed,
    checked: CheckedModels | None = None,
) -> ImportJob:
    """Imports a batch, of models those that were `checked`, unless the job is to be cancelled.

    Raises:
        JobError: models cannot be created.
        ModelsChangedError: models have to be checked again.
    """
    now = tx.now()
    job = _with_flushed(tx, get(tx, job_id, now), flushed)
    if job.status is Status.RUNNING:
        lines = []
        if batch.section is not job.position.section:
            lines += _section_ended(job, now)
            lines.append(job_log.event(job_id, now, "Started", batch.section))
        refused = import_batch(tx, settings, batch, job_id, checked)
        lines += [job_log.refused_row(job_id, now, row) for row in refused]
        tx.append_job_log(lines)
        job = replace(_counted(job, batch, refused), last_action=now)
    _store(tx, job)
    return job


def conclude(
    tx: Transaction, job_id: str, flushed: Flushed, error: JobError | None, section: Section | None
) -> ImportJob:
    """Decides how a job ends and writes the last lines of its log; `section` is where `error`, if any, stopped it."""
    now = tx.now()
    job = _with_flushed(tx, get(tx, job_id, now), flushed)
    outcome, error_told = _outcome(job, error)
    lines = []
    if error is None:
        if outcome is not Status.CANCELLED:
            lines += _section_ended(job, now)
    elif isinstance(error, ImportFileError):
        lines += job_log.malformed_file(job_id, now, error)
    else:
        if section is not job.position.section:
            lines += _section_ended(job, now)
            lines += [job_log.event(job_id, now, "Started", section)]
        lines.append(job_log.failure(job_id, now, error, section))
        if section is not None:
            lines.append(job_log.event(job_id, now, "Failed", section))
    lines.append(job_log.event(job_id, now, outcome.capitalize()))
    tx.append_job_log(lines)
    job = replace(job, outcome=outcome, error=error_told)
    _store(tx, job)
    return job


def finish(tx: Transaction, job_id: str, error: JobError | None = None) -> None:
    """Finishes a job as it was concluded, once its log is in the output blob.

    With an `error` it has failed, unless it was to be cancelled.
    """
    now = tx.now()
    job = get(tx, job_id, now)
    tx.trim_job_log()
    if error is not None and job.status is Status.CANCELLING:
        job = replace(job, outcome=Status.CANCELLED, error=None)
    elif error is not None:
        job = replace(job, outcome=Status.FAILED, error=told(error))
    _store(tx, job.moved(job.outcome or Status.FAILED, now))


def _outcome(job: ImportJob, error: JobError | None) -> tuple[Status, dict[str, str] | None]:
    if error is not None:
        return Status.FAILED, told(error)
    if job.status is Status.CANCELLING:
        return Status.CANCELLED, None
    failed = sum(job.failed.values())
    if failed:
        return Status.FAILED, told(errors.rows_not_imported(failed, failed + sum(job.imported.values())))
    return Status.SUCCEEDED, None


def _section_ended(job: ImportJob, now: int) -> list[bytes]:
    section = job.position.section
    if section is None:
        return []
    return [job_log.event(job.id, now, "Failed" if job.failed.get(section) else "Succeeded", section)]


def _counted(job: ImportJob, batch: Batch, refused: Sequence[RowError]) -> ImportJob:
    section = batch.section
    imported = job.imported.get(section, 0) + len(batch.rows) - len(refused)
    failed = job.failed.get(section, 0) + len(refused)
    return replace(
        job,
        position=batch.position,
        imported={**job.imported, section: imported},
        failed={**job.failed, section: failed},
    )


def _with_flushed(tx: Transaction, job: ImportJob, flushed: Flushed) -> ImportJob:
    if flushed.log_bytes == job.log_bytes:
        return job
    tx.trim_job_log(flushed.position)
    return replace(job, log_bytes=flushed.log_bytes)


def _store(tx: Transaction, job: ImportJob) -> None:
    if job.outcome is not None or job.status.finished:
        tell_end(tx, IMPORT, job.id)
    tx.update_job(IMPORT, job.id, finished=job.status.finished, state=job.to_json())
