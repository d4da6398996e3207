"""Operations on jobs.

The SDK has no public methods for them, so these are its generated ones.
"""

# ruff: noqa: SLF001  (see above)

import uuid

from azure.digitaltwins.core._generated.models import ImportJob
from azure.digitaltwins.core.aio import DigitalTwinsClient

from twinfront_server.adt.answer import Answer, Page
from twinfront_server.adt.body import Body
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked, Origin
from twinfront_server.upstream.sdk_reads import SdkReads
from twinfront_server.upstream.writing import Writing


class ImportJobs:
    """Operations on import jobs."""

    def __init__(self, sdk: DigitalTwinsClient, reads: SdkReads, writing: Writing) -> None:
        self._jobs = sdk._client.import_jobs
        self._reads = reads
        self._write = writing.write

    async def put(self, job_id: str, body: Body) -> Answer:
        """Creates an import job."""
        ids, origin = {"job_id": job_id}, Origin(body.ids)
        asked = Asked(operations.PUT_IMPORT_JOB, ids, body, create_only=True, origin=origin)
        placeholder = ImportJob(input_blob_uri="", output_blob_uri="")
        return await self._write(asked, self._jobs.add, job_id, placeholder)

    async def get(self, job_id: str) -> Answer:
        """Reads an import job."""
        return await self._reads.import_job(job_id)

    async def list(self, link: str) -> Page:
        """Reads one page of import jobs."""
        return await self._reads.import_jobs(link)

    async def cancel(self, job_id: str) -> Answer:
        """Cancels an import job."""
        return await self._write(Asked(operations.CANCEL_IMPORT_JOB, {"job_id": job_id}), self._jobs.cancel, job_id)

    async def delete(self, job_id: str) -> None:
        """Deletes an import job that has ended."""
        await self._write(Asked(operations.DELETE_IMPORT_JOB, {"job_id": job_id}), self._jobs.delete, job_id)


class DeleteJobs:
    """Operations on delete jobs."""

    def __init__(self, sdk: DigitalTwinsClient, reads: SdkReads, writing: Writing) -> None:
        self._jobs = sdk._client.delete_jobs
        self._reads = reads
        self._write = writing.write

    async def post(self, job_id: str) -> Answer:
        """Creates a delete job.

        Without an id it gets one here and not from the service: a job whose answer is lost could not be told otherwise.
        """
        job_id = job_id or str(uuid.uuid4())
        asked = Asked(operations.POST_DELETE_JOB, {"job_id": job_id}, create_only=True)
        # The method for callers, begin_add, would go on to wait for the job's end.
        return await self._write(asked, self._jobs._add_initial, headers={"operation-id": job_id})

    async def get(self, job_id: str) -> Answer:
        """Reads a delete job."""
        return await self._reads.delete_job(job_id)

    async def list(self, link: str) -> Page:
        """Reads one page of delete jobs."""
        return await self._reads.delete_jobs(link)
