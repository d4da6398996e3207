"""/jobs/imports[/{id}[/cancel]]."""

from typing import Final

import orjson

from localtwins import errors
from localtwins.engine.clock import current_ticks
from localtwins.engine.identifiers import check_job_id
from localtwins.jobs import import_job
from localtwins.jobs.blobs import check_blob_uri
from localtwins.jobs.job import IMPORT, ImportJob
from localtwins.message import Response
from localtwins.rest.answers import error_answer, json_answer, no_content
from localtwins.rest.bodies import read_document
from localtwins.rest.call import Call
from localtwins.rest.paging import JOBS_PAGE, next_link, page_size, read_token

_PREVIEW: Final = "2023-02-27-preview"
_API_VERSIONS: Final = frozenset({_PREVIEW, "2023-06-30", "2023-10-31"})


async def create(call: Call, job_id: str) -> Response:
    """Creates a job, which then starts by itself."""
    call.require_api_version(_API_VERSIONS)
    check_job_id(job_id)
    payload = await read_document(call)
    uris = []
    for member in ("inputBlobUri", "outputBlobUri"):
        uri = payload.get(member) if type(payload) is dict else None
        if type(uri) is not str or not uri:
            raise errors.invalid_argument(f"The body of an import job must have {member}, the URI of a blob.")
        check_blob_uri(uri, call.settings)
        uris.append(uri)
    if not call.is_dry_run:
        await call.jobs.make_room()
    try:
        job = await call.write(lambda tx: import_job.create(tx, job_id, *uris))
    except errors.AdtError as error:
        if error.status != 429:  # noqa: PLR2004  (too many requests)
            raise
        # Encoded twice: the body is a JSON string that holds the envelope (recorded).
        answer = error_answer(error, call.api_version)
        return Response(answer.status, answer.headers, orjson.dumps(answer.body.decode()))
    call.jobs.wake()
    return json_answer(_job(call, job), status=201)


async def get(call: Call, job_id: str) -> Response:
    """Gets a job."""
    call.require_api_version(_API_VERSIONS)
    check_job_id(job_id)
    return json_answer(_job(call, import_job.get(call.read, job_id, current_ticks())))


async def list_all(call: Call) -> Response:
    """Lists jobs in the order of their creation."""
    call.require_api_version(_API_VERSIONS)
    size = page_size(call, JOBS_PAGE)
    token = read_token(call, (int,))
    rows = call.read.jobs(IMPORT, current_ticks(), token[0] if token else 0, size + 1)
    link = None
    if len(rows) > size:
        del rows[size:]
        link = next_link(call, "/jobs/imports", [rows[-1][0]])
    value = [_job(call, ImportJob.from_json(state)) for _, state in rows]
    return json_answer(b'{"value":[%b],"nextLink":%b}' % (b",".join(value), orjson.dumps(link)))


async def cancel(call: Call, job_id: str) -> Response:
    """Cancels a job; the answer still shows the status from before (recorded)."""
    call.require_api_version(_API_VERSIONS)
    check_job_id(job_id)
    job = await call.write(lambda tx: import_job.cancel(tx, job_id))
    call.jobs.cancel()
    return json_answer(_job(call, job))


async def delete(call: Call, job_id: str) -> Response:
    """Deletes a job that is over."""
    call.require_api_version(_API_VERSIONS)
    check_job_id(job_id)
    await call.write(lambda tx: import_job.delete(tx, job_id))
    return no_content()


def _job(call: Call, job: ImportJob) -> bytes:
    return orjson.dumps(job.answer(with_nulls=call.api_version == _PREVIEW))
