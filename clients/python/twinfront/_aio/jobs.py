"""Import and delete jobs."""

from collections.abc import Awaitable, Callable

from twinfront import _jobs
from twinfront._aio.connection import AsyncConnection
from twinfront._aio.pages import AsyncPager
from twinfront._calls import CallMetadata
from twinfront._for_asyncio import sleep
from twinfront._jobs import DeleteJob, ImportJob, Job, Looks


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
        """Creates an import job, which reads a graph from Azure Blob Storage.

        Args:
            job_id: The job's id.
            input_blob_uri: The blob to read, in the import format.
            output_blob_uri: The blob for the job's log.
            timeout: Seconds; 60 by default.
            metadata: Further request metadata.

        Returns:
            The job, which then starts by itself.

        Raises:
            AlreadyExistsError: There is a job of that id.
            ThrottledError: Another job is running.
        """
        call = _jobs.create_import_job(job_id, input_blob_uri, output_blob_uri)
        return await self._send(self._job_service.CreateImportJob, call, timeout, metadata)

    async def get_import_job(
        self,
        job_id: str,
        *,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> ImportJob:
        """Reads an import job.

        Args:
            job_id: The job's id.
            timeout: Seconds; 30 by default.
            metadata: Further request metadata.

        Raises:
            JobNotFoundError: No such job.
        """
        call = _jobs.get_import_job(job_id)
        return await self._send(self._job_service.GetImportJob, call, timeout, metadata)

    def list_import_jobs(
        self,
        *,
        page_size: int | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> AsyncPager[ImportJob]:
        """Lists import jobs.

        Args:
            page_size: How many to fetch at a time: 100 by default, 1000 at the most.
            timeout: Seconds for each page; 30 by default.
            metadata: Further request metadata.

        Returns:
            An iterable of the jobs, which fetches pages as it goes; `.pages()` has them with their tokens.
        """
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
        """Cancels an import job; what it wrote so far stays.

        Args:
            job_id: The job's id.
            timeout: Seconds; 60 by default.
            metadata: Further request metadata.

        Returns:
            The job; its status may still be the one from before.

        Raises:
            JobNotFoundError: No such job.
            FailedPreconditionError: The job has ended.
        """
        call = _jobs.cancel_import_job(job_id)
        return await self._send(self._job_service.CancelImportJob, call, timeout, metadata)

    async def delete_import_job(
        self,
        job_id: str,
        *,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> None:
        """Deletes an import job that has ended; what it wrote stays.

        Args:
            job_id: The job's id.
            timeout: Seconds; 60 by default.
            metadata: Further request metadata.

        Raises:
            JobNotFoundError: No such job.
            FailedPreconditionError: The job has not ended.
        """
        call = _jobs.delete_import_job(job_id)
        await self._send(self._job_service.DeleteImportJob, call, timeout, metadata)

    async def wait_for_import_job(
        self,
        job_id: str,
        *,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> ImportJob:
        """Waits until an import job has ended, looking at it now and then.

        Args:
            job_id: The job's id.
            timeout: Seconds to wait; as long as it takes by default.
            metadata: Further request metadata.

        Returns:
            The job as it ended: it succeeded, failed or was cancelled.

        Raises:
            JobNotFoundError: No such job.
            TimeoutError: The job has not ended in that time.
        """
        return await self._ended(lambda: self.get_import_job(job_id, metadata=metadata), timeout)

    async def create_delete_job(
        self,
        job_id: str | None = None,
        *,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> DeleteJob:
        """Creates a delete job, which deletes all relationships, twins and models.

        Args:
            job_id: The job's id; one of the service's making by default.
            timeout: Seconds; 60 by default.
            metadata: Further request metadata.

        Returns:
            The job, which then starts by itself.

        Raises:
            AlreadyExistsError: There is a job of that id.
            ThrottledError: Another job is running.
        """
        call = _jobs.create_delete_job(job_id)
        return await self._send(self._job_service.CreateDeleteJob, call, timeout, metadata)

    async def get_delete_job(
        self,
        job_id: str,
        *,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> DeleteJob:
        """Reads a delete job.

        Args:
            job_id: The job's id.
            timeout: Seconds; 30 by default.
            metadata: Further request metadata.

        Raises:
            JobNotFoundError: No such job.
        """
        call = _jobs.get_delete_job(job_id)
        return await self._send(self._job_service.GetDeleteJob, call, timeout, metadata)

    def list_delete_jobs(
        self,
        *,
        page_size: int | None = None,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> AsyncPager[DeleteJob]:
        """Lists delete jobs.

        Args:
            page_size: How many to fetch at a time: 100 by default, 1000 at the most.
            timeout: Seconds for each page; 30 by default.
            metadata: Further request metadata.

        Returns:
            An iterable of the jobs, which fetches pages as it goes; `.pages()` has them with their tokens.
        """
        return AsyncPager(
            lambda page_token: self._send(
                self._job_service.ListDeleteJobs,
                _jobs.list_delete_jobs(page_size=page_size, page_token=page_token),
                timeout,
                metadata,
            )
        )

    async def wait_for_delete_job(
        self,
        job_id: str,
        *,
        timeout: float | None = None,
        metadata: CallMetadata = (),
    ) -> DeleteJob:
        """Waits until a delete job has ended, looking at it now and then.

        Args:
            job_id: The job's id.
            timeout: Seconds to wait; as long as it takes by default.
            metadata: Further request metadata.

        Returns:
            The job as it ended: it succeeded or failed.

        Raises:
            JobNotFoundError: No such job.
            TimeoutError: The job has not ended in that time.
        """
        return await self._ended(lambda: self.get_delete_job(job_id, metadata=metadata), timeout)

    async def _ended(self, read: Callable[[], Awaitable[Job]], timeout: float | None) -> Job:
        looks = Looks(timeout)
        while True:
            job = await read()
            if job.finished:
                return job
            await sleep(looks.pause(job))
