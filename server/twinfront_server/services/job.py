"""`JobService`."""

from functools import partial
from typing import Any

from twinfront.v1 import job_service_pb2 as messages
from twinfront.v1.job_service_pb2_grpc import JobServiceServicer
from twinfront_server.services.paging import Paging
from twinfront_server.upstream import Upstream
from twinfront_server.wire.identifier import required_header_id, required_id
from twinfront_server.wire.job import fill_job, fill_listed_job, import_job_body
from twinfront_server.wire.representation import wants_json


class JobService(JobServiceServicer):
    """Import and delete jobs."""

    def __init__(self, upstream: Upstream, paging: Paging) -> None:
        self._upstream = upstream
        self._paging = paging

    async def CreateImportJob(
        self, request: messages.CreateImportJobRequest, context: Any
    ) -> messages.CreateImportJobResponse:
        as_json = wants_json(request.representation)
        job_id = required_id(request.job_id, "job_id")
        answer = await self._upstream.import_jobs.put(job_id, import_job_body(request.import_job, job_id))
        response = messages.CreateImportJobResponse()
        fill_job(response.import_job, answer.body, as_json=as_json)
        return response

    async def GetImportJob(self, request: messages.GetImportJobRequest, context: Any) -> messages.GetImportJobResponse:
        as_json = wants_json(request.representation)
        answer = await self._upstream.import_jobs.get(required_id(request.job_id, "job_id"))
        response = messages.GetImportJobResponse()
        fill_job(response.import_job, answer.body, as_json=as_json)
        return response

    async def ListImportJobs(
        self, request: messages.ListImportJobsRequest, context: Any
    ) -> messages.ListImportJobsResponse:
        as_json = wants_json(request.representation)
        response = messages.ListImportJobsResponse()
        await self._paging.fill(
            request,
            response,
            response.import_jobs,
            lambda link, _size: self._upstream.import_jobs.list(link),
            partial(fill_listed_job, as_json=as_json),
        )
        return response

    async def CancelImportJob(
        self, request: messages.CancelImportJobRequest, context: Any
    ) -> messages.CancelImportJobResponse:
        as_json = wants_json(request.representation)
        answer = await self._upstream.import_jobs.cancel(required_id(request.job_id, "job_id"))
        response = messages.CancelImportJobResponse()
        fill_job(response.import_job, answer.body, as_json=as_json)
        return response

    async def DeleteImportJob(
        self, request: messages.DeleteImportJobRequest, context: Any
    ) -> messages.DeleteImportJobResponse:
        await self._upstream.import_jobs.delete(required_id(request.job_id, "job_id"))
        return messages.DeleteImportJobResponse()

    async def CreateDeleteJob(
        self, request: messages.CreateDeleteJobRequest, context: Any
    ) -> messages.CreateDeleteJobResponse:
        as_json = wants_json(request.representation)
        job_id = required_header_id(request.job_id, "job_id") if request.job_id else ""
        answer = await self._upstream.delete_jobs.post(job_id)
        response = messages.CreateDeleteJobResponse()
        fill_job(response.delete_job, answer.body, as_json=as_json)
        return response

    async def GetDeleteJob(self, request: messages.GetDeleteJobRequest, context: Any) -> messages.GetDeleteJobResponse:
        as_json = wants_json(request.representation)
        answer = await self._upstream.delete_jobs.get(required_id(request.job_id, "job_id"))
        response = messages.GetDeleteJobResponse()
        fill_job(response.delete_job, answer.body, as_json=as_json)
        return response

    async def ListDeleteJobs(
        self, request: messages.ListDeleteJobsRequest, context: Any
    ) -> messages.ListDeleteJobsResponse:
        as_json = wants_json(request.representation)
        response = messages.ListDeleteJobsResponse()
        await self._paging.fill(
            request,
            response,
            response.delete_jobs,
            lambda link, _size: self._upstream.delete_jobs.list(link),
            partial(fill_listed_job, as_json=as_json),
        )
        return response
