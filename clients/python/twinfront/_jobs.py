"""Import and delete jobs: their calls, and the jobs as Python values."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self, TypeVar

from twinfront import _json
from twinfront._calls import Call
from twinfront._pages import Page
from twinfront._timestamps import Timestamp
from twinfront.v1 import job_service_pb2 as rpcs
from twinfront.v1.representation_pb2 import REPRESENTATION_JSON


class JobStatus(StrEnum):
    """Says how far a job is."""

    NOT_STARTED = "notstarted"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    """One that this client does not know."""

    @classmethod
    def _missing_(cls, _value: object) -> "JobStatus":
        return cls.UNKNOWN


_FINAL: Final = frozenset({JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED})


@dataclass(frozen=True, slots=True)
class JobFailure:
    """Says why a job failed."""

    code: str
    """The service's code."""
    message: str
    """A sentence for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """The common part of all jobs."""

    id: str
    """The job's id."""
    status: JobStatus
    """How far it is."""
    created_time: Timestamp | None = None
    """When it was created."""
    finished_time: Timestamp | None = None
    """When it ended; None while it runs."""
    purge_time: Timestamp | None = None
    """When the service will forget it."""
    error: JobFailure | None = None
    """Why it failed; None if it did not."""

    @property
    def finished(self) -> bool:
        """Tells whether nothing happens to it any more."""
        return self.status in _FINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportJob(_Job):
    """An import job, which reads a graph from Azure Blob Storage."""

    input_blob_uri: str
    """The blob that it reads."""
    output_blob_uri: str
    """The blob that its log goes to."""
    last_action_time: Timestamp | None = None
    """When it last did anything."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads the JSON form of Azure Digital Twins."""
        return cls(
            **_members(data),
            input_blob_uri=data.get("inputBlobUri") or "",
            output_blob_uri=data.get("outputBlobUri") or "",
            last_action_time=_time(data.get("lastActionDateTime")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteJob(_Job):
    """A delete job, which deletes all relationships, twins and models."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads the JSON form of Azure Digital Twins."""
        return cls(**_members(data))


Job = TypeVar("Job", ImportJob, DeleteJob)

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0


class Looks:
    """Says when to look at a job again: ever more seldom, and no longer than the caller waits.

    Args:
        timeout: seconds that the caller waits; None for as long as it takes.
        clock: the time in seconds.
    """

    def __init__(self, timeout: float | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = None if timeout is None else clock() + timeout
        self._pause = _FIRST_PAUSE / 2

    def pause(self, job: _Job) -> float:
        """Gives the seconds until the next look at a job that has not ended.

        Raises:
            TimeoutError: The caller's time is over.
        """
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        if self._end is None:
            return self._pause
        left = self._end - self._clock()
        if left <= 0:
            raise TimeoutError(f"the job {job.id} has not ended in time: its status is {job.status}")
        return min(self._pause, left)


def create_import_job(
    job_id: str, input_blob_uri: str, output_blob_uri: str
) -> Call[rpcs.CreateImportJobRequest, rpcs.CreateImportJobResponse, ImportJob]:
    job = rpcs.ImportJob(input_blob_uri=input_blob_uri, output_blob_uri=output_blob_uri)
    return Call(
        rpcs.CreateImportJobRequest(job_id=job_id, import_job=job, representation=REPRESENTATION_JSON),
        lambda response: ImportJob.from_dict(_json.load(response.import_job.json)),
    )


def get_import_job(job_id: str) -> Call[rpcs.GetImportJobRequest, rpcs.GetImportJobResponse, ImportJob]:
    return Call(
        rpcs.GetImportJobRequest(job_id=job_id, representation=REPRESENTATION_JSON),
        lambda response: ImportJob.from_dict(_json.load(response.import_job.json)),
    )


def list_import_jobs(
    *, page_size: int | None, page_token: str
) -> Call[rpcs.ListImportJobsRequest, rpcs.ListImportJobsResponse, Page[ImportJob]]:
    return Call(
        rpcs.ListImportJobsRequest(page_size=page_size or 0, page_token=page_token, representation=REPRESENTATION_JSON),
        lambda response: Page(
            [ImportJob.from_dict(_json.load(job.json)) for job in response.import_jobs], response.next_page_token
        ),
    )


def cancel_import_job(job_id: str) -> Call[rpcs.CancelImportJobRequest, rpcs.CancelImportJobResponse, ImportJob]:
    return Call(
        rpcs.CancelImportJobRequest(job_id=job_id, representation=REPRESENTATION_JSON),
        lambda response: ImportJob.from_dict(_json.load(response.import_job.json)),
    )


def delete_import_job(job_id: str) -> Call[rpcs.DeleteImportJobRequest, rpcs.DeleteImportJobResponse, None]:
    return Call(rpcs.DeleteImportJobRequest(job_id=job_id), lambda _: None)


def create_delete_job(
    job_id: str | None,
) -> Call[rpcs.CreateDeleteJobRequest, rpcs.CreateDeleteJobResponse, DeleteJob]:
    return Call(
        rpcs.CreateDeleteJobRequest(job_id=job_id or "", representation=REPRESENTATION_JSON),
        lambda response: DeleteJob.from_dict(_json.load(response.delete_job.json)),
    )


def get_delete_job(job_id: str) -> Call[rpcs.GetDeleteJobRequest, rpcs.GetDeleteJobResponse, DeleteJob]:
    return Call(
        rpcs.GetDeleteJobRequest(job_id=job_id, representation=REPRESENTATION_JSON),
        lambda response: DeleteJob.from_dict(_json.load(response.delete_job.json)),
    )


def list_delete_jobs(
    *, page_size: int | None, page_token: str
) -> Call[rpcs.ListDeleteJobsRequest, rpcs.ListDeleteJobsResponse, Page[DeleteJob]]:
    return Call(
        rpcs.ListDeleteJobsRequest(page_size=page_size or 0, page_token=page_token, representation=REPRESENTATION_JSON),
        lambda response: Page(
            [DeleteJob.from_dict(_json.load(job.json)) for job in response.delete_jobs], response.next_page_token
        ),
    )


def _members(data: Mapping[str, Any]) -> dict[str, Any]:
    error = data.get("error")
    return {
        "id": data.get("id") or "",
        "status": JobStatus(str(data.get("status")).lower()),
        "created_time": _time(data.get("createdDateTime")),
        "finished_time": _time(data.get("finishedDateTime")),
        "purge_time": _time(data.get("purgeDateTime")),
        "error": JobFailure(error.get("code") or "", error.get("message") or "") if error else None,
    }


def _time(text: str | None) -> Timestamp | None:
    return Timestamp(text) if text else None
