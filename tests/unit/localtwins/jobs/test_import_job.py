"""The steps of an import job, from its creation to its end, over a database in memory."""

from dataclasses import replace
from typing import Any

import orjson
import pytest

from localtwins import errors
from localtwins.errors import AdtError, JobError
from localtwins.jobs import import_job
from localtwins.jobs.import_format import START, Batch, Position, Section
from localtwins.jobs.import_job import Flushed
from localtwins.jobs.job import ImportJob, Status, told
from localtwins.settings import Settings
from localtwins.store.transaction import Transaction

DAY = 24 * 60 * 60 * 10_000_000
NOTHING = Flushed(0)
ROWS_REFUSED = {
    "code": "ImportFailed",
    "message": (
        "Encountered errors while importing: 2 of 5 twins and relationships were refused. "
        "See the output blob for each of them."
    ),
}


def create(tx: Transaction, job_id: str = "one", status: Status = Status.NOT_STARTED, **members: Any) -> ImportJob:
    job = import_job.create(tx, job_id, "file:in", "file:out")
    if status is not Status.NOT_STARTED:
        job = import_job.begin(tx, job_id, "v1")
        tx.trim_job_log()
    job = replace(job, status=status, **members)
    tx.update_job("import", job_id, finished=status.finished, state=job.to_json())
    return job


def stored(tx: Transaction, job_id: str = "one") -> ImportJob:
    return import_job.get(tx, job_id, tx.now())


def logged(tx: Transaction) -> list[tuple[str, dict[str, Any]]]:
    lines = [orjson.loads(line) for _, line in tx.job_log(0, 100)]
    assert all((line["jobId"], line["jobType"]) == ("one", "Import") for line in lines)
    return [(line["logType"], line["details"]) for line in lines]


def test_a_new_job_waits_and_is_kept_for_thirty_days(tx: Transaction):
    job = create(tx)
    assert job == stored(tx)
    assert (job.id, job.input_uri, job.output_uri) == ("one", "file:in", "file:out")
    assert (job.status, job.error, job.position, job.log_bytes) == (Status.NOT_STARTED, None, START, 0)
    assert (job.last_action, job.purge) == (job.created, job.created + 30 * DAY)


@pytest.mark.parametrize("job_id", ["one", "two"])
def test_one_job_runs_at_a_time_whatever_the_id_of_the_next(tx: Transaction, job_id: str):
    create(tx)
    with pytest.raises(AdtError) as refused:
        create(tx, job_id)
    assert (refused.value.status, refused.value.code) == (429, "TooManyRequests")


def test_an_id_is_given_once(tx: Transaction):
    create(tx, status=Status.SUCCEEDED)
    with pytest.raises(AdtError) as refused:
        create(tx)
    assert (refused.value.status, refused.value.code) == (409, "JobIdAlreadyExists")
    assert create(tx, "two").id == "two"


def test_a_job_that_nobody_created_is_not_found(tx: Transaction):
    for step in (import_job.cancel, import_job.delete, lambda tx, job_id: import_job.get(tx, job_id, tx.now())):
        with pytest.raises(AdtError) as refused:
            step(tx, "one")
        assert (refused.value.status, refused.value.code) == (404, "JobNotFound")


@pytest.mark.parametrize("status", [Status.NOT_STARTED, Status.RUNNING, Status.CANCELLING])
def test_a_job_that_is_cancelled_is_told_as_it_was(tx: Transaction, status: Status):
    before = create(tx, status=status)
    assert import_job.cancel(tx, "one") == before
    after = stored(tx)
    assert after.status is Status.CANCELLING
    assert (after.last_action == before.last_action) is (status is Status.CANCELLING)


@pytest.mark.parametrize("status", Status)
def test_a_job_that_is_over_can_be_deleted_and_no_other_cancelled(tx: Transaction, status: Status):
    create(tx, status=status)
    step = import_job.cancel if status.finished else import_job.delete
    with pytest.raises(AdtError, match=f"The job one is {status} ") as refused:
        step(tx, "one")
    assert (refused.value.status, refused.value.code) == (400, "ValidationFailed")
    if status.finished:
        import_job.delete(tx, "one")
        with pytest.raises(AdtError):
            stored(tx)


def test_a_job_that_begins_runs_and_says_so_in_its_log(tx: Transaction):
    create(tx)
    job = import_job.begin(tx, "one", "v1")
    assert job == stored(tx)
    assert (job.status, job.input_version) == (Status.RUNNING, "v1")
    assert job.last_action > job.created
    assert logged(tx) == [("Info", {"status": "Started"})]


def test_a_job_that_was_interrupted_goes_on_with_the_same_input_alone(tx: Transaction):
    create(tx, status=Status.RUNNING)
    again = import_job.begin(tx, "one", "v1")
    assert (again.status, logged(tx)) == (Status.RUNNING, [])
    with pytest.raises(JobError, match="changed while the job was interrupted"):
        import_job.begin(tx, "one", "v2")


def test_a_job_that_is_cancelled_before_it_begins_stays_so(tx: Transaction):
    create(tx)
    import_job.cancel(tx, "one")
    assert import_job.begin(tx, "one", "v1").status is Status.CANCELLING


def test_each_section_begins_and_ends_in_the_log(tx: Transaction):
    create(tx, status=Status.RUNNING)
    settings = Settings()
    for section, offset in ((Section.MODELS, 10), (Section.TWINS, 20), (Section.TWINS, 30)):
        batch = Batch(section, (), Position(offset, offset, section, 0))
        job = import_job.advance(tx, settings, "one", batch, NOTHING)
        assert (job, job.position) == (stored(tx), batch.position)
    assert logged(tx) == [
        ("Info", {"section": "Models", "status": "Started"}),
        ("Info", {"section": "Models", "status": "Succeeded"}),
        ("Info", {"section": "Twins", "status": "Started"}),
    ]
    assert (job.imported, job.failed) == (dict.fromkeys((Section.MODELS, Section.TWINS), 0),) * 2


def test_a_job_that_is_to_be_cancelled_imports_nothing_more(tx: Transaction):
    create(tx, status=Status.CANCELLING)
    batch = Batch(Section.MODELS, (), Position(10, 1, Section.MODELS, 0))
    job = import_job.advance(tx, Settings(), "one", batch, NOTHING)
    assert (job.position, logged(tx)) == (START, [])


def test_lines_that_the_output_blob_has_are_let_go(tx: Transaction):
    create(tx, status=Status.RUNNING)
    tx.append_job_log([b'{"a":1}\n', b'{"b":2}\n'])
    first, second = tx.job_log(0, 10)
    batch = Batch(Section.MODELS, (), Position(10, 1, Section.MODELS, 0))
    assert import_job.advance(tx, Settings(), "one", batch, Flushed(0, second[0])).log_bytes == 0
    assert tx.job_log(0, 2) == [first, second]
    assert import_job.advance(tx, Settings(), "one", batch, Flushed(8, first[0])).log_bytes == 8
    assert tx.job_log(0, 1) == [second]


IN_TWINS = {
    "position": Position(30, 3, Section.TWINS, 2),
    "imported": {Section.TWINS: 3},
    "failed": {Section.TWINS: 0},
}
FAILURE = errors.input_blob_unreadable("it is gone")
MALFORMED = errors.import_file_invalid(7, "It is no JSON.")


@pytest.mark.parametrize(
    ("job", "error", "section", "outcome", "error_told", "lines"),
    [
        ({"status": Status.RUNNING}, None, None, Status.SUCCEEDED, None, [("Info", {"status": "Succeeded"})]),
        (
            {"status": Status.RUNNING, **IN_TWINS},
            None,
            None,
            Status.SUCCEEDED,
            None,
            [("Info", {"section": "Twins", "status": "Succeeded"}), ("Info", {"status": "Succeeded"})],
        ),
        (
            {"status": Status.RUNNING, **IN_TWINS, "failed": {Section.TWINS: 2}},
            None,
            None,
            Status.FAILED,
            ROWS_REFUSED,
            [("Error", {"section": "Twins", "status": "Failed"}), ("Error", {"status": "Failed"})],
        ),
        (
            {"status": Status.CANCELLING, **IN_TWINS},
            None,
            None,
            Status.CANCELLED,
            None,
            [("Info", {"status": "Cancelled"})],
        ),
        (
            {"status": Status.CANCELLING},
            FAILURE,
            None,
            Status.FAILED,
            told(FAILURE),
            [
                ("Error", {"exceptionType": "UnableToReadInputBlob", "message": FAILURE.message}),
                ("Error", {"status": "Failed"}),
            ],
        ),
        (
            {"status": Status.RUNNING, **IN_TWINS},
            FAILURE,
            Section.TWINS,
            Status.FAILED,
            told(FAILURE),
            [
                (
                    "Error",
                    {"section": "Twins", "exceptionType": "UnableToReadInputBlob", "message": FAILURE.message},
                ),
                ("Error", {"section": "Twins", "status": "Failed"}),
                ("Error", {"status": "Failed"}),
            ],
        ),
        (
            {"status": Status.RUNNING, **IN_TWINS},
            FAILURE,
            Section.RELATIONSHIPS,
            Status.FAILED,
            told(FAILURE),
            [
                ("Info", {"section": "Twins", "status": "Succeeded"}),
                ("Info", {"section": "Relationships", "status": "Started"}),
                (
                    "Error",
                    {"section": "Relationships", "exceptionType": "UnableToReadInputBlob", "message": FAILURE.message},
                ),
                ("Error", {"section": "Relationships", "status": "Failed"}),
                ("Error", {"status": "Failed"}),
            ],
        ),
        (
            {"status": Status.RUNNING},
            MALFORMED,
            None,
            Status.FAILED,
            told(MALFORMED),
            [
                (
                    "Error",
                    {
                        "section": "Models",
                        "line": 7,
                        "exceptionType": "UnsupportedFileFormat",
                        "message": "It is no JSON.",
                    },
                ),
                ("Error", {"section": "Models", "status": "Failed"}),
                ("Error", {"status": "Failed"}),
            ],
        ),
    ],
    ids=["empty", "all", "some-refused", "cancelled", "before", "within", "at-the-next", "malformed"],
)
def test_a_job_is_concluded_by_what_became_of_its_rows(
    tx: Transaction,
    job: dict[str, Any],
    error: JobError | None,
    section: Section | None,
    outcome: Status,
    error_told: dict[str, str] | None,
    lines: list[tuple[str, dict[str, Any]]],
):
    create(tx, **job)
    concluded = import_job.conclude(tx, "one", NOTHING, error, section)
    assert concluded == stored(tx)
    assert (concluded.status, concluded.outcome, concluded.error) == (job["status"], outcome, error_told)
    assert logged(tx) == lines


@pytest.mark.parametrize(
    ("job", "error", "status", "error_told"),
    [
        ({"status": Status.RUNNING, "outcome": Status.SUCCEEDED}, None, Status.SUCCEEDED, None),
        (
            {"status": Status.RUNNING, "outcome": Status.FAILED, "error": told(FAILURE)},
            None,
            Status.FAILED,
            told(FAILURE),
        ),
        ({"status": Status.RUNNING}, None, Status.FAILED, None),
        ({"status": Status.RUNNING, "outcome": Status.SUCCEEDED}, FAILURE, Status.FAILED, told(FAILURE)),
        ({"status": Status.CANCELLING}, FAILURE, Status.CANCELLED, None),
    ],
    ids=["succeeded", "failed", "never-concluded", "log-not-written", "cancelled"],
)
def test_a_job_ends_as_it_was_concluded_or_for_what_kept_its_log_from_being_written(
    tx: Transaction, job: dict[str, Any], error: JobError | None, status: Status, error_told: dict[str, str] | None
):
    before = create(tx, **job)
    tx.append_job_log([b'{"a":1}\n'])
    import_job.finish(tx, "one", error)
    after = stored(tx)
    assert (after.status, after.error) == (status, error_told)
    assert after.last_action > before.last_action
    assert tx.job_log(0, 10) == []
    assert tx.unfinished_job() is None


def test_a_job_is_read_as_it_was_kept(tx: Transaction):
    job = create(
        tx,
        status=Status.RUNNING,
        position=Position(30, 3, Section.TWINS, 2),
        imported={Section.MODELS: 1, Section.TWINS: 2},
        failed={Section.TWINS: 3},
        log_bytes=17,
        outcome=Status.FAILED,
        error={"code": "a", "message": "b"},
    )
    assert ImportJob.from_json(job.to_json()) == job
    assert type(stored(tx).position.section) is Section


@pytest.mark.parametrize(("length", "is_cut"), [(4000, False), (4001, True)])
def test_a_job_tells_an_error_up_to_4000_characters(length: int, is_cut: bool):
    message = told(JobError("Code", "x" * length))["message"]
    assert message == ("x" * 4000 + " … See the output blob for the rest." if is_cut else "x" * length)


@pytest.mark.parametrize("with_nulls", [False, True])
@pytest.mark.parametrize("status", Status)
def test_the_service_tells_when_a_job_was_over_unless_it_was_cancelled(
    tx: Transaction, status: Status, with_nulls: bool
):
    job = replace(create(tx), status=status, error={"code": "a", "message": "b"}, last_action=20_000_000)
    answer = job.answer(with_nulls=with_nulls)
    ended = status in {Status.SUCCEEDED, Status.FAILED}
    assert ("finishedDateTime" in answer) is (ended or with_nulls)
    assert answer.get("finishedDateTime") == ("1970-01-01T00:00:02Z" if ended else None)
    assert answer.get("error") == ({"code": "a", "message": "b"} if status.finished else None)
    assert (answer["id"], answer["status"], answer["lastActionDateTime"]) == ("one", status, "1970-01-01T00:00:02Z")
    assert (answer["inputBlobUri"], answer["outputBlobUri"]) == ("file:in", "file:out")
