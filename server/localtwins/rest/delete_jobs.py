"""/jobs/deletions[/{id}]."""

import uuid
from typing import Final
from urllib.parse import quote

import orjson

from localtwins import errors
from localtwins.engine.clock import current_ticks
from localtwins.engine.identifiers import check_job_id
from localtwins.jobs import delete_job
from localtwins.jobs.job import DELETE, DeleteJob
from localtwins.message import Response
from localtwins.rest.answers import json_answer
from localtwins.rest.call import Call
from localtwins.rest.paging import JOBS_PAGE, next_link, page_size, read_token

_API_VERSIONS: Final = frozenset({"2023-10-31"})
_TIMEOUT: Final = "timeoutinminutes"
_TIMEOUT_MINUTES: Final = 12 * 60
_TIMEOUT_RANGE: Final = range(15, 24 * 60 + 1)


async def create(call: Call) -> Response:
    """Creates a job, which then starts by itself; the header operation-id may give its id."""
    call.require_api_version(_API_VERSIONS)
    job_id = call.header("operation-id") or str(uuid.uuid4())
    check_job_id(job_id)
    timeout = call.parameter(_TIMEOUT)
    minutes = _TIMEOUT_MINUTES
    if timeout is not None:
        minutes = int(timeout) if timeout.isascii() and timeout.isdigit() and len(timeout) < 5 else 0  # noqa: PLR2004  (digits)
        if minutes not in _TIMEOUT_RANGE:
            message = f"timeoutInMinutes must be {_TIMEOUT_RANGE.start} to {_TIMEOUT_RANGE[-1]}, and not {timeout!r}."
            raise errors.invalid_argument(message)
    if not call.is_dry_run:
        await call.jobs.make_room()
    job = await call.write(lambda tx: delete_job.create(tx, job_id, minutes))
    call.jobs.wake()
    answer = json_answer(_job(job), status=202)
    answer.headers["Operation-Location"] = (
        f"{call.request.base_url}/jobs/deletions/{quote(job_id, safe='')}?api-version={call.api_version}"
    )
    return answer


async def get(call: Call, job_id: str) -> Response:
    """Gets a job."""
    call.require_api_version(_API_VERSIONS)
    check_job_id(job_id)
    return json_answer(_job(delete_job.get(call.read, job_id, current_ticks())))


async def list_all(call: Call) -> Response:
    """Lists jobs in the order of their creation."""
    call.require_api_version(_API_VERSIONS)
    size = page_size(call, JOBS_PAGE)
    token = read_token(call, (int,))
    rows = call.read.jobs(DELETE, current_ticks(), token[0] if token else 0, size + 1)
    link = None
    if len(rows) > size:
        del rows[size:]
        link = next_link(call, "/jobs/deletions", [rows[-1][0]])
    value = [_job(DeleteJob.from_json(state)) for _, state in rows]
    return json_answer(b'{"value":[%b],"nextLink":%b}' % (b",".join(value), orjson.dumps(link)))


def _job(job: DeleteJob) -> bytes:
    return orjson.dumps(job.answer())
