"""The log of an import job: newline-delimited JSON in its output blob, a line for each event and each problem.

The members of its lines are the service's own, as the log of a job that failed shows them.
"""

from typing import Any, Final

import orjson

from localtwins.engine.clock import twin_time
from localtwins.errors import ImportFileError, JobError
from localtwins.jobs.import_format import Section
from localtwins.jobs.rows import RowError

_FAILED: Final = "Failed"


def event(job_id: str, now: int, status: str, section: Section | None = None) -> bytes:
    """Tells that the job, or a section of it, has started or how it has ended."""
    details = {"status": status} if section is None else {"section": section, "status": status}
    return _line(job_id, now, "Error" if status == _FAILED else "Info", details)


def refused_row(job_id: str, now: int, refused: RowError) -> bytes:
    """Tells why a row was refused."""
    details = {
        "section": refused.section,
        "line": refused.line,
        "exceptionType": refused.error.code,
        "message": refused.reason,
    }
    return _line(job_id, now, "Error", details)


def malformed_file(job_id: str, now: int, error: ImportFileError) -> list[bytes]:
    """Tells why nothing of a file is imported; the service calls the section Models, whatever the row's own is."""
    section = Section.MODELS
    details = {"section": section, "line": error.line, "exceptionType": error.kind, "message": error.problem}
    return [_line(job_id, now, "Error", details), event(job_id, now, _FAILED, section)]


def failure(job_id: str, now: int, error: JobError, section: Section | None) -> bytes:
    """Tells why the job cannot go on."""
    place = {} if section is None else {"section": section}
    return _line(job_id, now, "Error", {**place, "exceptionType": error.code, "message": error.message})


def _line(job_id: str, now: int, log_type: str, details: dict[str, Any]) -> bytes:
    line = {
        "timestamp": twin_time(now),
        "jobId": job_id,
        "jobType": "Import",
        "logType": log_type,
        "details": details,
    }
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
