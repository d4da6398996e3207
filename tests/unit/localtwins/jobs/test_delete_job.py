"""The steps of a delete job, over a database in memory."""

import sqlite3
from dataclasses import replace

import pytest

from localtwins import errors
from localtwins.engine.clock import Clock
from localtwins.errors import AdtError
from localtwins.jobs import delete_job, import_job
from localtwins.jobs.job import DeleteJob, Status, told
from localtwins.store.transaction import Transaction

MINUTE = 60 * 10_000_000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tx(connection: sqlite3.Connection, clock: Clock) -> Transaction:
    return Transaction(connection, clock)


def stored(tx: Transaction) -> DeleteJob:
    return delete_job.get(tx, "all", tx.now())


def fill(tx: Transaction, *, twins: int, relationships: int) -> None:
    for number in range(twins):
        tx.put_digital_twin(f"{number}", "dtmi:a;1", "e", b"{}")
    for number in range(relationships):
        tx.put_relationship("0", f"{number}", target_id="1", name="n", etag="e", document=b"{}")


def test_a_delete_job_waits_for_no_other_job_and_takes_no_id_twice(tx: Transaction):
    import_job.create(tx, "one", "file:in", "file:out")
    with pytest.raises(AdtError) as refused:
        delete_job.create(tx, "all", 60)
    assert (refused.value.status, refused.value.code) == (400, "JobLimitReached")
    import_job.finish(tx, "one")
    created = delete_job.create(tx, "all", 60)
    assert (created, created.status, created.timeout_minutes) == (stored(tx), Status.NOT_STARTED, 60)
    delete_job.finish(tx, "all", errors.job_internal_error())
    with pytest.raises(AdtError) as refused:
        delete_job.create(tx, "all", 60)
    assert (refused.value.status, refused.value.code) == (400, "ValidationFailed")


def test_an_import_job_and_a_delete_job_may_have_the_same_id(tx: Transaction):
    import_job.create(tx, "all", "file:in", "file:out")
    import_job.finish(tx, "all")
    assert delete_job.create(tx, "all", 60).id == "all"


def test_a_delete_job_that_nobody_created_is_not_found(tx: Transaction):
    with pytest.raises(AdtError) as refused:
        stored(tx)
    assert (refused.value.status, refused.value.code) == (404, "DeleteJobNotFound")


def test_relationships_go_before_twins_500_at_a_time(tx: Transaction):
    fill(tx, twins=3, relationships=501)
    delete_job.create(tx, "all", 60)
    left = []
    while not delete_job.advance(tx, "all").status.finished:
        assert stored(tx).status is Status.RUNNING
        left.append((tx.has_room("relationships", 1), tx.has_room("relationships", 2), tx.has_room("digital_twins", 1)))
    assert left == [(False, True, False), (True, True, False), (True, True, True)]
    assert stored(tx).status is Status.SUCCEEDED
    assert tx.unfinished_job() is None


@pytest.mark.parametrize(("late", "status"), [(-2, Status.RUNNING), (1, Status.FAILED)])
def test_a_delete_job_has_its_minutes_and_no_more(tx: Transaction, clock: Clock, late: int, status: Status):
    fill(tx, twins=1, relationships=0)
    created = delete_job.create(tx, "all", 15)
    clock.latest = created.created + 15 * MINUTE + late
    job = delete_job.advance(tx, "all")
    assert (job, job.status) == (stored(tx), status)
    assert job.error == (told(errors.delete_job_timeout(15)) if status is Status.FAILED else None)


def test_a_delete_job_that_fails_says_why(tx: Transaction):
    delete_job.create(tx, "all", 60)
    job = delete_job.finish(tx, "all", errors.job_internal_error())
    assert (job.status, job.error) == (Status.FAILED, told(errors.job_internal_error()))
    assert job == stored(tx)
    assert tx.unfinished_job() is None


@pytest.mark.parametrize("status", [Status.NOT_STARTED, Status.RUNNING, Status.SUCCEEDED, Status.FAILED])
def test_the_service_tells_of_an_end_and_an_error_when_a_delete_job_is_over(tx: Transaction, status: Status):
    job = replace(
        delete_job.create(tx, "all", 60), status=status, error={"code": "a", "message": "b"}, last_action=20_000_000
    )
    assert DeleteJob.from_json(job.to_json()) == job
    answer = job.answer()
    assert answer.get("finishedDateTime") == ("1970-01-01T00:00:02Z" if status.finished else None)
    assert answer.get("error") == ({"code": "a", "message": "b"} if status.finished else None)
    assert (answer["id"], answer["status"]) == ("all", status)
