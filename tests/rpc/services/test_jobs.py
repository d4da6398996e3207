"""Import and delete jobs."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio
import orjson
import pytest

from twinfront.v1 import job_service_pb2 as jobs
from twinfront.v1.job_service_pb2 import ImportJob, JobStatus
from twinfront.v1.job_service_pb2_grpc import JobServiceStub
from twinfront.v1.representation_pb2 import Representation
from twinfront_server.app import App
from twinfront_server.settings import Settings

from .building import ROOM, Building
from .graphs import export_text
from .refusal import fields, refused

if TYPE_CHECKING:
    from twinfront.v1.job_service_pb2_grpc import JobServiceAsyncStub

Code = grpc.StatusCode
ENDED = {JobStatus.JOB_STATUS_SUCCEEDED, JobStatus.JOB_STATUS_FAILED, JobStatus.JOB_STATUS_CANCELLED}
SOURCE, LOG = "file:graph.ndjson", "file:log.ndjson"


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> "JobServiceAsyncStub":
    asynchronous: JobServiceAsyncStub = JobServiceStub(channel)
    return asynchronous


def create(job_id: str = "job", **members: Any) -> jobs.CreateImportJobRequest:
    job = ImportJob(**({"input_blob_uri": SOURCE, "output_blob_uri": LOG} | members))
    return jobs.CreateImportJobRequest(job_id=job_id, import_job=job)


def write_graph(blobs: Path, twins: int) -> None:
    rows: list[Any] = [{"Section": "Header"}, {"fileVersion": "1.0.0"}, {"Section": "Twins"}]
    rows += [
        {"$dtId": f"room-{n}", "$metadata": {"$model": ROOM}, "thermostat": {"$metadata": {}}} for n in range(twins)
    ]
    (blobs / "graph.ndjson").write_bytes(b"\n".join(map(orjson.dumps, rows)))


async def ended(stub: "JobServiceAsyncStub", job_id: str = "job") -> ImportJob:
    """The import job once nothing happens to it any more."""
    async with asyncio.timeout(20):
        while True:
            job = (await stub.GetImportJob(jobs.GetImportJobRequest(job_id=job_id))).import_job
            if job.status in ENDED:
                return ImportJob.FromString(job.SerializeToString())
            await asyncio.sleep(0.02)


async def test_an_import_job_imports(building: Building, stub: "JobServiceAsyncStub", blobs: Path):
    write_graph(blobs, 3)
    created = (await stub.CreateImportJob(create())).import_job
    assert (created.id, created.input_blob_uri, created.output_blob_uri) == ("job", SOURCE, LOG)
    assert created.status == JobStatus.JOB_STATUS_NOT_STARTED
    assert created.created_time.seconds > 0
    job = await ended(stub)
    assert job.status == JobStatus.JOB_STATUS_SUCCEEDED
    assert job.finished_time.seconds >= job.created_time.seconds
    assert job.purge_time.seconds > job.finished_time.seconds
    assert not job.HasField("error")
    assert (await building.read("room-2")).model_id == ROOM
    assert (blobs / "log.ndjson").stat().st_size > 0


async def test_an_import_job_takes_what_was_exported(
    building: Building, channel: grpc.aio.Channel, stub: "JobServiceAsyncStub", blobs: Path
):
    await building.add_floor("floor")
    await building.add_room("room", temperature=21.5)
    await building.connect("room", "next", "floor")
    (blobs / "graph.ndjson").write_bytes(await export_text(channel))
    before = await building.read("room")
    await stub.CreateImportJob(create())
    assert (await ended(stub)).status == JobStatus.JOB_STATUS_SUCCEEDED
    after = await building.read("room")
    assert (after.properties, after.etag != before.etag) == (before.properties, True)


async def test_a_job_that_fails_says_why(stub: "JobServiceAsyncStub"):
    await stub.CreateImportJob(create())
    job = await ended(stub)
    assert job.status == JobStatus.JOB_STATUS_FAILED
    assert job.error.code == "UnableToReadInputBlob"
    assert job.error.message


@pytest.mark.parametrize("member", ["input_blob_uri", "output_blob_uri"])
async def test_a_url_of_storage_that_is_not_allowed_is_refused(stub: "JobServiceAsyncStub", member: str):
    error = await refused(stub.CreateImportJob(create(**{member: "http://127.0.0.1:9/internal/secret/blob"})))
    assert (error.code, error.reason) == (Code.INVALID_ARGUMENT, "INVALID_ARGUMENT")
    assert "--jobs-storage" in str(error)


async def test_storage_that_the_server_is_told_of_is_used():
    settings = Settings.of(
        {
            "listen": "127.0.0.1:0",
            "metrics_listen": "none",
            "data_dir": ":memory:",
            "jobs_storage": "http://127.0.0.1:9/a",
        }
    )
    async with App(settings) as app, grpc.aio.insecure_channel(str(app.address)) as channel:
        stub: JobServiceAsyncStub = JobServiceStub(channel)
        job = create(input_blob_uri="http://127.0.0.1:9/a/container/blob", output_blob_uri="http://127.0.0.1:9/a/c/log")
        await stub.CreateImportJob(job)
        assert (await ended(stub)).error.code == "UnableToWriteToOutputBlob"


async def test_jobs_in_json_are_the_services_own(stub: "JobServiceAsyncStub"):
    request = create()
    request.representation = Representation.REPRESENTATION_JSON
    job = (await stub.CreateImportJob(request)).import_job
    assert orjson.loads(job.json)["inputBlobUri"] == SOURCE
    assert not job.id


async def test_jobs_are_listed_page_by_page(stub: "JobServiceAsyncStub"):
    for number in range(3):
        await stub.CreateImportJob(create(f"job-{number}"))
        await ended(stub, f"job-{number}")
    first = await stub.ListImportJobs(jobs.ListImportJobsRequest(page_size=2))
    rest = await stub.ListImportJobs(jobs.ListImportJobsRequest(page_token=first.next_page_token))
    assert [job.id for page in (first, rest) for job in page.import_jobs] == ["job-0", "job-1", "job-2"]


async def test_a_deleted_job_is_gone(stub: "JobServiceAsyncStub"):
    await stub.CreateImportJob(create())
    await ended(stub)
    await stub.DeleteImportJob(jobs.DeleteImportJobRequest(job_id="job"))
    error = await refused(stub.GetImportJob(jobs.GetImportJobRequest(job_id="job")))
    assert (error.code, error.reason, error.metadata) == (Code.NOT_FOUND, "JOB_NOT_FOUND", {"job_id": "job"})


async def test_a_job_that_has_ended_cannot_be_cancelled(stub: "JobServiceAsyncStub"):
    await stub.CreateImportJob(create())
    await ended(stub)
    error = await refused(stub.CancelImportJob(jobs.CancelImportJobRequest(job_id="job")))
    assert (error.code, error.reason) == (Code.FAILED_PRECONDITION, "JOB_STATUS_CONFLICT")


@pytest.mark.usefixtures("building")
async def test_a_job_that_runs_can_be_cancelled_and_not_deleted_and_is_the_only_one(
    stub: "JobServiceAsyncStub", blobs: Path
):
    write_graph(blobs, 30_000)
    await stub.CreateImportJob(create())
    error = await refused(stub.DeleteImportJob(jobs.DeleteImportJobRequest(job_id="job")))
    assert error.reason == "JOB_STATUS_CONFLICT"
    error = await refused(stub.CreateImportJob(create("second")))
    assert (error.code, error.reason) == (Code.RESOURCE_EXHAUSTED, "UPSTREAM_THROTTLED")
    assert "while one is in progress" in error.message
    error = await refused(stub.CreateDeleteJob(jobs.CreateDeleteJobRequest()))
    assert (error.code, error.reason) == (Code.RESOURCE_EXHAUSTED, "UPSTREAM_THROTTLED")
    answer = await stub.CancelImportJob(jobs.CancelImportJobRequest(job_id="job"))
    assert answer.import_job.id == "job"
    assert (await ended(stub)).status == JobStatus.JOB_STATUS_CANCELLED


async def test_an_id_is_taken_once(stub: "JobServiceAsyncStub"):
    await stub.CreateImportJob(create())
    await ended(stub)
    error = await refused(stub.CreateImportJob(create()))
    assert (error.code, error.reason, error.metadata["job_id"]) == (Code.ALREADY_EXISTS, "JOB_ALREADY_EXISTS", "job")


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"input_blob_uri": ""}, "import_job.input_blob_uri"),
        ({"output_blob_uri": ""}, "import_job.output_blob_uri"),
        ({"input_blob_uri": "nonsense"}, "import_job.input_blob_uri"),
        ({"output_blob_uri": "nonsense"}, "import_job.output_blob_uri"),
        ({"input_blob_uri": "https://a/b/c?sig=x"}, "import_job.input_blob_uri"),
        ({"output_blob_uri": "https://a/b/c?sig=x"}, "import_job.output_blob_uri"),
        ({"input_blob_uri": "https://a/b/c?sig=x", "output_blob_uri": "https://a/b/c"}, "import_job.input_blob_uri"),
        ({"id": "other"}, "import_job.id"),
        ({"json": b"{}"}, "import_job.json"),
    ],
)
async def test_what_is_wrong_is_named(stub: "JobServiceAsyncStub", members: Any, field: str):
    error = await refused(stub.CreateImportJob(create(**members)))
    assert (error.code, fields(error)) == (Code.INVALID_ARGUMENT, [field])


@pytest.mark.parametrize("job_id", ["", "..", "\n", "ü" * 200, "x" * 3000])
async def test_an_id_that_no_job_has(stub: "JobServiceAsyncStub", job_id: str):
    assert fields(await refused(stub.CreateImportJob(create(job_id)))) == ["job_id"]
    if job_id:
        error = await refused(stub.CreateDeleteJob(jobs.CreateDeleteJobRequest(job_id=job_id)))
        assert fields(error) == ["job_id"]


async def test_a_delete_job_deletes_everything(building: Building, stub: "JobServiceAsyncStub"):
    await building.add_room("a")
    await building.add_room("b")
    await building.connect("a", "door", "b")
    created = (await stub.CreateDeleteJob(jobs.CreateDeleteJobRequest(job_id="all"))).delete_job
    assert created.id == "all"
    async with asyncio.timeout(20):
        while True:
            job = (await stub.GetDeleteJob(jobs.GetDeleteJobRequest(job_id="all"))).delete_job
            if job.status in ENDED:
                break
            await asyncio.sleep(0.02)
    assert job.status == JobStatus.JOB_STATUS_SUCCEEDED
    assert (await refused(building.read("a"))).reason == "TWIN_NOT_FOUND"
    listed = (await stub.ListDeleteJobs(jobs.ListDeleteJobsRequest())).delete_jobs
    assert [each.id for each in listed] == ["all"]
    error = await refused(stub.CreateDeleteJob(jobs.CreateDeleteJobRequest(job_id="all")))
    assert (error.code, error.reason) == (Code.ALREADY_EXISTS, "JOB_ALREADY_EXISTS")


async def test_a_delete_job_without_an_id_gets_one(stub: "JobServiceAsyncStub"):
    assert (await stub.CreateDeleteJob(jobs.CreateDeleteJobRequest())).delete_job.id
    error = await refused(stub.GetDeleteJob(jobs.GetDeleteJobRequest(job_id="none")))
    assert (error.code, error.reason) == (Code.NOT_FOUND, "JOB_NOT_FOUND")
