"""The log of an import job: newline-delimited JSON in its output blob, a line for each event and each refused row."""

from typing import Any

import orjson

from localtwins.engine.clock import twin_time
from localtwins.errors import AdtError, JobError
from localtwins.jobs.import_format import Section
from localtwins.jobs.rows import RowError


def event(job_id: str, now: int, status: str, section: Section | None = None) -> bytes:
    """Tell that the job, or a section of it, has started or how it has ended (documented)."""
    details = {"status": status} if section is None else {"section": section, "status": status}
    return _line(job_id, now, "Info", details)


def refused_row(job_id: str, now: int, refused: RowError) -> bytes:
    """Tell why a row was refused; the service's own members of such a line are not public."""
    details = {
        "section": refused.section,
        "line": refused.line,
        **refused.ids,
        "error": _error(refused.error),
    }
    return _line(job_id, now, "Error", details)


def failure(job_id: str, now: int, error: JobError, section: Section | None) -> bytes:
    """Tell why the job cannot go on."""
    place = {} if section is None else {"section": section}
    return _line(job_id, now, "Error", {**place, "error": {"code": error.code, "message": error.message}})


def _error(error: AdtError) -> dict[str, Any]:
    told: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.details:
        told["details"] = [{"code": error.code, "message": detail} for detail in error.details]
    return told


def _line(job_id: str, now: int, log_type: str, details: dict[str, Any]) -> bytes:
    line = {
        "timestamp": twin_time(now),
        "jobId": job_id,
        "jobType": "Import",
        "logType": log_type,
        "details": details,
    }
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
