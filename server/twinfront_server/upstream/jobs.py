"""Operations on jobs.

The SDK has no public methods for them; what its generated ones want is known here alone.
"""

# ruff: noqa: SLF001  (see above)

import uuid

from azure.digitaltwins.core._generated.models import ImportJob

from twinfront_server.adt.answer import Answer, Page
from twinfront_server.adt.body import Body
from twinfront_server.upstream import operation as operations
from twinfront_server.upstream.operation import Asked
from twinfront_server.upstream.sdk_calls import SdkCalls


class Jobs(SdkCalls):
    """Operations on import and delete jobs."""

    async def put_import_job(self, job_id: str, body: Body) -> Answer:
        """Creates an import job."""
        asked = Asked(operations.PUT_IMPORT_JOB, {"job_id": job_id}, body, create_only=True, listed=body.ids)
        placeholder = ImportJob(input_blob_uri="", output_blob_uri="")
        return await self._call(asked, self._sdk._client.import_jobs.add, job_id, placeholder)

    async def get_import_job(self, job_id: str) -> Answer:
        """Reads an import job."""
        asked = Asked(operations.GET_IMPORT_JOB, {"job_id": job_id})
        return await self._call(asked, self._sdk._client.import_jobs.get_by_id, job_id)

    async def list_import_jobs(self, link: str) -> Page:
        """One page of import jobs."""
        return await self._list(Asked(operations.LIST_IMPORT_JOBS), link, self._sdk._client.import_jobs.list)

    async def cancel_import_job(self, job_id: str) -> Answer:
        """Cancels an import job."""
        asked = Asked(operations.CANCEL_IMPORT_JOB, {"job_id": job_id})
        return await self._call(asked, self._sdk._client.import_jobs.cancel, job_id)

    async def delete_import_job(self, job_id: str) -> None:
        """Deletes an import job that has ended."""
        asked = Asked(operations.DELETE_IMPORT_JOB, {"job_id": job_id})
        await self._call(asked, self._sdk._client.import_jobs.delete, job_id)

    async def post_delete_job(self, job_id: str) -> Answer:
        """Creates a delete job.

        Without an id it gets one here and not from the service: a job whose answer is lost could not be told otherwise.
        """
        job_id = job_id or str(uuid.uuid4())
        asked = Asked(operations.POST_DELETE_JOB, {"job_id": job_id}, create_only=True)
        # The method for callers, begin_add, would go on to wait for the job's end.
        return await self._call(asked, self._sdk._client.delete_jobs._add_initial, headers={"operation-id": job_id})

    async def get_delete_job(self, job_id: str) -> Answer:
        """Reads a delete job."""
        asked = Asked(operations.GET_DELETE_JOB, {"job_id": job_id})
        return await self._call(asked, self._sdk._client.delete_jobs.get_by_id, job_id)

    async def list_delete_jobs(self, link: str) -> Page:
        """One page of delete jobs."""
        return await self._list(Asked(operations.LIST_DELETE_JOBS), link, self._sdk._client.delete_jobs.list)
