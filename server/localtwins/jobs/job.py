"""The state of a job as it is kept, and as the service tells it."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, Self

import orjson

from localtwins.engine.clock import TICKS_PER_SECOND, job_time
from localtwins.errors import JobError
from localtwins.jobs.import_format import START, Position, Section

IMPORT: Final = "import"
DELETE: Final = "delete"

_TICKS_PER_DAY: Final = 24 * 60 * 60 * TICKS_PER_SECOND
_KEPT_DAYS: Final = 30
"""How long the service tells of a job (recorded)."""
_LONGEST_MESSAGE: Final = 4000


class Status(StrEnum):
    """The status of a job; a delete job cannot be cancelled."""

    NOT_STARTED = "notstarted"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def finished(self) -> bool:
        """Tells whether nothing happens to the job any more."""
        return self in {Status.SUCCEEDED, Status.FAILED, Status.CANCELLED}


@dataclass(frozen=True, slots=True)
class Job:
    """The common part of import and delete jobs. Times are in ticks; `error` is `{"code", "message"}`."""

    id: str
    created: int
    last_action: int
    purge: int
    status: Status
    error: dict[str, str] | None

    @classmethod
    def new(cls, job_id: str, now: int, **members: Any) -> Self:
        """Makes a job that has not started."""
        return cls(
            id=job_id,
            created=now,
            last_action=now,
            purge=now + _KEPT_DAYS * _TICKS_PER_DAY,
            status=Status.NOT_STARTED,
            error=None,
            **members,
        )

    def moved(self, status: Status, now: int) -> Self:
        """Gives the job in another status, from `now` on."""
        return replace(self, status=status, last_action=now)

    def to_json(self) -> bytes:
        """Writes the state as it is kept."""
        return orjson.dumps(self, option=orjson.OPT_NON_STR_KEYS)

    def _told_error(self) -> dict[str, Any]:
        return {"error": self.error} if self.error is not None and self.status.finished else {}


@dataclass(frozen=True, slots=True)
class ImportJob(Job):
    """An import job.

    Attributes:
        position: the place behind the last row that was dealt with.
        input_version: tells the input blob from a later one under the same URI.
        imported: rows by section.
        failed: rows by section.
        log_bytes: how much of the log is in the output blob.
        outcome: the status in which it finishes as soon as the rest of the log is there too.
    """

    input_uri: str
    output_uri: str
    input_version: str | None = None
    position: Position = START
    imported: dict[Section, int] = field(default_factory=dict)
    failed: dict[Section, int] = field(default_factory=dict)
    log_bytes: int = 0
    outcome: Status | None = None

    @classmethod
    def from_json(cls, state: bytes) -> "ImportJob":
        """Reads the state as it is kept."""
        members = orjson.loads(state)
        position = members["position"]
        section = position["section"]
        members["status"] = Status(members["status"])
        members["position"] = Position(**{**position, "section": None if section is None else Section(section)})
        members["outcome"] = None if members["outcome"] is None else Status(members["outcome"])
        for counts in ("imported", "failed"):
            members[counts] = {Section(name): count for name, count in members[counts].items()}
        return cls(**members)

    def answer(self, *, with_nulls: bool) -> dict[str, Any]:
        """Tells about the job (recorded); `with_nulls` as the first preview does, which has finishedDateTime always.

        A cancelled job has no finishedDateTime.
        """
        finished: dict[str, Any] = {"finishedDateTime": None} if with_nulls else {}
        if self.status in {Status.SUCCEEDED, Status.FAILED}:
            finished = {"finishedDateTime": job_time(self.last_action)}
        return {
            "id": self.id,
            "inputBlobUri": self.input_uri,
            "outputBlobUri": self.output_uri,
            "createdDateTime": job_time(self.created),
            "lastActionDateTime": job_time(self.last_action),
            **finished,
            "purgeDateTime": job_time(self.purge),
            "status": self.status,
            **self._told_error(),
        }


@dataclass(frozen=True, slots=True)
class DeleteJob(Job):
    """A delete job; it fails if it is not done after so many minutes."""

    timeout_minutes: int

    @classmethod
    def from_json(cls, state: bytes) -> "DeleteJob":
        """Reads the state as it is kept."""
        members = orjson.loads(state)
        members["status"] = Status(members["status"])
        return cls(**members)

    def answer(self) -> dict[str, Any]:
        """Tells about the job."""
        finished = {"finishedDateTime": job_time(self.last_action)} if self.status.finished else {}
        return {
            "id": self.id,
            "status": self.status,
            "createdDateTime": job_time(self.created),
            **finished,
            "purgeDateTime": job_time(self.purge),
            **self._told_error(),
        }


def told(error: JobError) -> dict[str, str]:
    """Gives an error as a job tells it; one that is very long stands whole only in the log."""
    message = error.message
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]} … See the output blob for the rest."
    return {"code": error.code, "message": message}
