"""Jobs between the messages and the JSON of Azure Digital Twins."""

from typing import Any

import orjson
import pytest

from twinfront.v1.job_service_pb2 import DeleteJob, ImportJob, JobStatus
from twinfront_server.errors import TwinfrontError
from twinfront_server.wire.job import fill_job, fill_listed_job, import_job_body

IMPORTED: dict[str, Any] = {
    "id": "one",
    "inputBlobUri": "https://a.blob.core.windows.net/in/graph.ndjson",
    "outputBlobUri": "https://a.blob.core.windows.net/out/log.ndjson",
    "status": "failed",
    "createdDateTime": "2024-01-01T00:00:01Z",
    "lastActionDateTime": "2024-01-01T00:00:02Z",
    "finishedDateTime": "2024-01-01T00:00:03Z",
    "purgeDateTime": "2024-01-01T00:00:04Z",
    "error": {"code": "ValidationFailed", "message": "Line 7 is none."},
}


def filled(job: ImportJob | DeleteJob, item: Any) -> Any:
    fill_job(job, orjson.dumps(item), as_json=False)
    return job


def test_a_job_has_each_member_in_its_field():
    job = filled(ImportJob(), IMPORTED)
    assert (job.id, job.status) == ("one", JobStatus.JOB_STATUS_FAILED)
    assert (job.input_blob_uri, job.output_blob_uri) == (IMPORTED["inputBlobUri"], IMPORTED["outputBlobUri"])
    times = (job.created_time, job.last_action_time, job.finished_time, job.purge_time)
    assert [time.seconds - 1_704_067_200 for time in times] == [1, 2, 3, 4]
    assert (job.error.code, job.error.message) == ("ValidationFailed", "Line 7 is none.")


def test_a_job_that_is_listed_is_as_one_that_is_read():
    listed = ImportJob()
    fill_listed_job(listed, IMPORTED, as_json=False)
    assert listed == filled(ImportJob(), IMPORTED)


def test_a_delete_job_has_the_members_of_its_message():
    job = filled(DeleteJob(), IMPORTED)
    assert (job.id, job.status) == ("one", JobStatus.JOB_STATUS_FAILED)
    assert (job.created_time.seconds - 1_704_067_200, job.finished_time.seconds - 1_704_067_200) == (1, 3)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("notstarted", JobStatus.JOB_STATUS_NOT_STARTED),
        ("running", JobStatus.JOB_STATUS_RUNNING),
        ("Running", JobStatus.JOB_STATUS_RUNNING),
        ("cancelling", JobStatus.JOB_STATUS_CANCELLING),
        ("succeeded", JobStatus.JOB_STATUS_SUCCEEDED),
        ("failed", JobStatus.JOB_STATUS_FAILED),
        ("cancelled", JobStatus.JOB_STATUS_CANCELLED),
        ("paused", JobStatus.JOB_STATUS_UNSPECIFIED),
        (None, JobStatus.JOB_STATUS_UNSPECIFIED),
    ],
)
def test_a_job_has_the_status_that_the_upstream_says(said: str | None, status: JobStatus.ValueType):
    assert filled(ImportJob(), {"id": "one", "status": said}).status == status


def test_a_job_without_an_end_and_without_an_error_has_neither():
    job = filled(ImportJob(), {"id": "one", "status": "running", "finishedDateTime": None, "error": None})
    assert not job.HasField("finished_time")
    assert not job.HasField("error")


def test_a_job_as_json_is_what_the_upstream_said():
    read, listed = ImportJob(), ImportJob()
    fill_job(read, b'{"id":"one"}', as_json=True)
    fill_listed_job(listed, {"id": "one"}, as_json=True)
    assert read == listed == ImportJob(json=b'{"id":"one"}')


def test_an_import_job_is_sent_with_its_two_blobs():
    body = import_job_body(ImportJob(id="one", input_blob_uri="file:in?sig=x", output_blob_uri="file:out?sig=y"), "one")
    assert orjson.loads(body.content) == {"inputBlobUri": "file:in?sig=x", "outputBlobUri": "file:out?sig=y"}
    assert body.ids == {"import_job.input_blob_uri": "file:in", "import_job.output_blob_uri": "file:out"}


@pytest.mark.parametrize(
    ("job", "field"),
    [
        (ImportJob(id="two", input_blob_uri="file:in", output_blob_uri="file:out"), "import_job.id"),
        (ImportJob(output_blob_uri="file:out"), "import_job.input_blob_uri"),
        (ImportJob(input_blob_uri="file:in"), "import_job.output_blob_uri"),
        (ImportJob(input_blob_uri="file:in", output_blob_uri="file:out", json=b"{}"), "import_job.json"),
    ],
    ids=["id", "input", "output", "json"],
)
def test_an_import_job_that_cannot_be_sent_is_refused_by_its_field(job: ImportJob, field: str):
    with pytest.raises(TwinfrontError) as refused:
        import_job_body(job, "one")
    assert [violation.field for violation in refused.value.details[0].field_violations] == [field]  # type: ignore[attr-defined]
