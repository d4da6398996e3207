"""Jobs: messages to and from the JSON of Azure Digital Twins."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from twinfront.v1.job_service_pb2 import DeleteJob, ImportJob, JobStatus
from twinfront_server.adt.body import Body
from twinfront_server.adt.expected_answer import expects_answer
from twinfront_server.adt.json_text import parse_answer
from twinfront_server.errors import invalid_argument
from twinfront_server.wire.timestamp import fill_timestamp

_STATUS: Final = {
    "notstarted": JobStatus.JOB_STATUS_NOT_STARTED,
    "running": JobStatus.JOB_STATUS_RUNNING,
    "cancelling": JobStatus.JOB_STATUS_CANCELLING,
    "succeeded": JobStatus.JOB_STATUS_SUCCEEDED,
    "failed": JobStatus.JOB_STATUS_FAILED,
    "cancelled": JobStatus.JOB_STATUS_CANCELLED,
}
_TEXTS: Final = {"id": "id", "inputBlobUri": "input_blob_uri", "outputBlobUri": "output_blob_uri"}
_TIMES: Final = {
    "createdDateTime": "created_time",
    "lastActionDateTime": "last_action_time",
    "finishedDateTime": "finished_time",
    "purgeDateTime": "purge_time",
}
"""Fields by member of the JSON; a delete job has some of them."""


@expects_answer
def fill_job(job: ImportJob | DeleteJob, body: bytes, *, as_json: bool) -> None:
    """Sets an empty message to a job that the upstream answered."""
    if as_json:
        job.json = body
    else:
        fill_listed_job(job, parse_answer(body), as_json=False)


@expects_answer
def fill_listed_job(job: ImportJob | DeleteJob, item: Mapping[str, Any], *, as_json: bool) -> None:
    """Sets an empty message to one item of a list of jobs."""
    if as_json:
        job.json = orjson.dumps(item)
        return
    fields = type(job).DESCRIPTOR.fields_by_name
    for member, name in _TEXTS.items():
        if name in fields:
            setattr(job, name, item.get(member) or "")
    for member, name in _TIMES.items():
        if name in fields and item.get(member):
            fill_timestamp(getattr(job, name), item[member])
    job.status = _STATUS.get(str(item.get("status")).lower(), JobStatus.JOB_STATUS_UNSPECIFIED)
    error = item.get("error")
    if isinstance(error, dict):
        job.error.code = error.get("code") or ""
        job.error.message = error.get("message") or ""


def import_job_body(job: ImportJob, job_id: str) -> Body:
    """Makes the JSON to send for an import job that a caller wants created.

    Raises:
        TwinfrontError: INVALID_ARGUMENT without the URIs; if the message's id is not the request's.
    """
    if job.id not in ("", job_id):
        raise invalid_argument("import_job.id", "must be empty or equal to job_id")
    if job.json:
        raise invalid_argument("import_job.json", "must be empty: a job is created by its typed fields")
    if not job.input_blob_uri:
        raise invalid_argument("import_job.input_blob_uri", "is required: the URI of the blob to read")
    if not job.output_blob_uri:
        raise invalid_argument("import_job.output_blob_uri", "is required: the URI of the blob for the job's log")
    document = {"inputBlobUri": job.input_blob_uri, "outputBlobUri": job.output_blob_uri}
    # As refusals quote them, which leave the signature in the query out; of two that are the same the last one counts.
    uris = {
        "import_job.output_blob_uri": job.output_blob_uri.partition("?")[0],
        "import_job.input_blob_uri": job.input_blob_uri.partition("?")[0],
    }
    return Body(orjson.dumps(document), "import_job", ids=uris)
