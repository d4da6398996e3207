"""Import and delete jobs."""

# ruff: noqa: ASYNC109  (a call's timeout is a deadline that the server is told; asyncio.timeout tells it nothing)

from twinfront import _jobs
from twinfront._aio.connection import AsyncConnection
from twinfront._calls import CallMetadata
from twinfront._jobs import DeleteJob, ImportJob
from twinfront._pages import AsyncPager


class AsyncJobMethods(AsyncConnection):
    """The methods that call the JobService."""

    async def create_import_job(
        self,
        job_id: str,
        input_blob_uri: str,
        output_blob_uri: str,
        *,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> ImportJob:
        """Creates an import job, which reads a graph from Azure Blob Storage."""
        call = _jobs.create_import_job(job_id, input_blob_uri, output_blob_uri)
        return await self._send(self._job_service.CreateImportJob, call, timeout, metadata)

    async def get_import_job(
        self,
        job_id: str,
        *,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> ImportJob:
        """Reads an import job."""
        call = _jobs.get_import_job(job_id)
        return await self._send(self._job_service.GetImportJob, call, timeout, metadata)

    def list_import_jobs(
        self,
        *,
        page_size: int | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> AsyncPager[ImportJob]:
        """Lists import jobs."""
        return AsyncPager(
            lambda page_token: self._send(
                self._job_service.ListImportJobs,
                _jobs.list_import_jobs(page_size=page_size, page_token=page_token),
                timeout,
                metadata,
            )
        )

    async def cancel_import_job(
        self,
        job_id: str,
        *,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> ImportJob:
        """Cancels an import job; what it wrote so far stays."""
        call = _jobs.cancel_import_job(job_id)
        return await self._send(self._job_service.CancelImportJob, call, timeout, metadata)

    async def delete_import_job(
        self,
        job_id: str,
        *,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> None:
        """Deletes an import job that has ended; what it wrote stays."""
        call = _jobs.delete_import_job(job_id)
        await self._send(self._job_service.DeleteImportJob, call, timeout, metadata)

    async def create_delete_job(
        self,
        job_id: str | None = None,
        *,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> DeleteJob:
        """Creates a delete job, which deletes all relationships, twins and models."""
        call = _jobs.create_delete_job(job_id)
        return await self._send(self._job_service.CreateDeleteJob, call, timeout, metadata)

    async def get_delete_job(
        self,
        job_id: str,
        *,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> DeleteJob:
        """Reads a delete job."""
        call = _jobs.get_delete_job(job_id)
        return await self._send(self._job_service.GetDeleteJob, call, timeout, metadata)

    def list_delete_jobs(
        self,
        *,
        page_size: int | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> AsyncPager[DeleteJob]:
        """Lists delete jobs."""
        return AsyncPager(
            lambda page_token: self._send(
                self._job_service.ListDeleteJobs,
                _jobs.list_delete_jobs(page_size=page_size, page_token=page_token),
                timeout,
                metadata,
            )
        )
