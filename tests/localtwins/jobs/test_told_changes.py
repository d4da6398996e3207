"""Jobs in the change log: that they write, in the same transactions, and have ended; never what they write."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from localtwins import LocalTwins, Settings
from localtwins.jobs import import_job
from localtwins.jobs.job import IMPORT
from localtwins.jobs.offline import BATCH_ROWS, import_graph
from localtwins.jobs.told_changes import tell_end, tell_write
from localtwins.store.change import Change
from localtwins.store.database import Database

from ..adt import MODELS, Adt
from .importing import Jobs, lines, machine, room, served_by

WRITE, END = "localtwins.Job.Write", "localtwins.Job.End"
IMPORT_GRAPH = {"jobId": "one", "kind": "import"}
GRAPH = lines(twins=[room("room"), machine("machine")], relationships=[served_by("room", "machine")])


def told(changes: list[Change]) -> list[tuple[str, Any]]:
    return [(change.type, orjson.loads(change.data)) for change in changes]


def write(file: Path, content: list[bytes]) -> None:
    file.write_bytes(b"\n".join(content) + b"\n")


async def delete_all(adt: Adt) -> None:
    """Runs a delete job to its end."""
    await adt.post("/jobs/deletions", None, operation_id="all")
    while (await adt.get("/jobs/deletions/all")).body["status"] != "succeeded":
        await asyncio.sleep(0.005)


async def test_an_import_job_tells_each_batch_and_its_end_and_no_row(jobs: Jobs):
    await jobs.run("one", GRAPH)
    assert told(jobs.adt.service.changes.read(0, 10)) == [(WRITE, IMPORT_GRAPH)] * 3 + [(END, IMPORT_GRAPH)]


async def test_a_batch_of_which_every_row_is_refused_is_not_told(jobs: Jobs):
    await jobs.run("one", lines(models=(), twins=[machine("a")]))
    assert jobs.adt.service.changes.read(0, 10) == []


async def test_a_job_that_fails_tells_its_end_if_it_has_written(jobs: Jobs):
    assert (await jobs.run("one", lines(models=MODELS, twins=[machine("a", power="x")])))["status"] == "failed"
    assert told(jobs.adt.service.changes.read(0, 10)) == [(WRITE, IMPORT_GRAPH), (END, IMPORT_GRAPH)]


async def test_a_job_that_meets_a_defect_tells_its_end(jobs: Jobs, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        message = "a defect"
        raise ZeroDivisionError(message)

    monkeypatch.setattr(import_job, "conclude", fail)
    assert (await jobs.run("one", GRAPH))["status"] == "failed"
    assert [change.type for change in jobs.adt.service.changes.read(0, 10)] == [WRITE] * 3 + [END]


async def test_a_delete_job_tells_each_batch_and_its_end(jobs: Jobs):
    await jobs.run("import", GRAPH)
    start = jobs.adt.service.changes.extent().newest
    await delete_all(jobs.adt)
    job = {"jobId": "all", "kind": "delete"}
    changes = jobs.adt.service.changes.read(start, 10)
    assert told(changes) == [(WRITE, job)] * 3 + [(END, job)]
    assert all(change.time for change in changes)


async def test_a_delete_job_with_nothing_to_delete_tells_nothing(jobs: Jobs):
    await delete_all(jobs.adt)
    assert jobs.adt.service.changes.read(0, 10) == []


async def test_the_offline_import_tells_what_a_job_does(tmp_path: Path):
    file = tmp_path / "graph.ndjson"
    write(file, GRAPH)
    data = tmp_path / "data"
    assert await import_graph(Settings(data_dir=str(data)), str(file), lambda _: None)
    service = await LocalTwins.open(data)
    changes = told(service.changes.read(0, 10))
    await service.close()
    assert [kind for kind, _ in changes] == [WRITE, WRITE, WRITE, END]
    assert len({data["jobId"] for _, data in changes}) == 1
    assert {data["kind"] for _, data in changes} == {"import"}


async def test_an_offline_import_trims_nothing(tmp_path: Path):
    service = await LocalTwins.open(tmp_path / "data")
    adt = Adt(service)
    for _ in range(4):
        await adt.post("/models", MODELS)
        for model in reversed(MODELS):
            await adt.delete(f"/models/{model['@id']}")
    before = service.changes.extent()
    await service.close()
    file = tmp_path / "graph.ndjson"
    write(file, lines(twins=[machine(f"m{number}") for number in range(40 * BATCH_ROWS)]))
    settings = Settings(data_dir=str(tmp_path / "data"), max_changes=10)
    assert await import_graph(settings, str(file), lambda _: None)
    service = await LocalTwins.open(tmp_path / "data")
    oldest = service.changes.extent().oldest
    new = service.changes.read(before.newest, 100)
    await service.close()
    assert oldest == before.oldest == 0
    assert [change.type for change in new] == [WRITE] * (1 + 40) + [END]


@pytest.mark.parametrize("next_step", ["serve", "import"])
async def test_the_end_of_an_import_whose_process_was_killed_is_told_at_the_next_start(tmp_path: Path, next_step: str):
    database = Database.open(tmp_path / "data")
    await database.write(lambda tx: tell_write(tx, IMPORT, "killed"))
    await database.close()
    if next_step == "import":
        file = tmp_path / "graph.ndjson"
        write(file, lines())
        assert await import_graph(Settings(data_dir=str(tmp_path / "data")), str(file), lambda _: None)
    for _ in range(2):
        service = await LocalTwins.open(tmp_path / "data")
        changes = told(service.changes.read(0, 10))
        await service.close()
        job = {"jobId": "killed", "kind": "import"}
        assert changes[:2] == [(WRITE, job), (END, job)]
        assert len(changes) == (2 if next_step == "serve" else 4)


async def test_a_job_that_goes_on_at_the_next_start_is_not_told_as_ended(jobs: Jobs):
    database = jobs.adt.service._database
    await database.write(lambda tx: import_job.create(tx, "one", "file:in", "file:out"))
    await database.write(lambda tx: tell_write(tx, IMPORT, "one"))
    assert database.read.jobs_abandoned_in_changes() == []
    await database.write(lambda tx: tell_end(tx, IMPORT, "one"))
    await database.write(lambda tx: tell_end(tx, IMPORT, "one"))
    assert [change.type for change in jobs.adt.service.changes.read(0, 10)] == [WRITE, END]
