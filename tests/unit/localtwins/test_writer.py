"""The writer thread: groups under one commit, failures kept apart, storage errors survived."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, cast

import pytest

from localtwins import LocalTwins, Request, Response, errors
from localtwins.engine.clock import Clock
from localtwins.errors import AdtError
from localtwins.store import schema
from localtwins.store.change import Notification
from localtwins.store.transaction import Transaction
from localtwins.store.writer import Writer

TWIN_MISSING = errors.digital_twin_not_found("t")


class Connection:
    """A connection that counts its commits and fails when told to."""

    def __init__(self) -> None:
        self.real = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        schema.migrate(self.real)
        self.commits = 0
        self.savepoints = 0
        self.clock_updates = 0
        self.failures: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        if sql in self.failures:
            self.failures.remove(sql)
            message = "disk I/O error"
            raise sqlite3.OperationalError(message)
        self.commits += sql == "COMMIT"
        self.savepoints += sql.startswith("SAVEPOINT")
        self.clock_updates += sql.startswith("UPDATE clock")
        return self.real.execute(sql, parameters)

    def twins(self) -> set[str]:
        return {row[0] for row in self.real.execute("SELECT id FROM digital_twins")}


@pytest.fixture
def connection() -> Iterator[Connection]:
    connection = Connection()
    yield connection
    connection.real.close()


@pytest.fixture
def writer(connection: Connection) -> Iterator[Writer]:
    as_sqlite = cast("sqlite3.Connection", connection)
    writer = Writer(as_sqlite, Transaction(as_sqlite, Clock()), nullcontext())
    yield writer
    writer.close()


def put(twin_id: str) -> Callable[[Transaction], str]:
    def operation(tx: Transaction) -> str:
        tx.put_digital_twin(twin_id, "model", "etag", b"{}")
        return twin_id

    return operation


def put_and_fail(twin_id: str, error: Exception) -> Callable[[Transaction], str]:
    def operation(tx: Transaction) -> str:
        tx.put_digital_twin(twin_id, "model", "etag", b"{}")
        raise error

    return operation


async def in_one_group(writer: Writer, *operations: Callable[[Transaction], str]) -> list[Any]:
    """Run writes that all wait when the writer becomes free."""
    free = threading.Event()
    holding = asyncio.ensure_future(writer.run(lambda _: free.wait()))
    await asyncio.sleep(0.01)
    writes = [asyncio.ensure_future(writer.run(operation)) for operation in operations]
    await asyncio.sleep(0)
    free.set()
    await holding
    return await asyncio.gather(*writes, return_exceptions=True)


async def test_writes_that_wait_share_a_commit(writer: Writer, connection: Connection):
    assert await in_one_group(writer, *(put(f"t{n}") for n in range(50))) == [f"t{n}" for n in range(50)]
    assert connection.commits == 2
    assert len(connection.twins()) == 50


async def test_a_failing_write_takes_back_only_its_own(writer: Writer, connection: Connection):
    error = ValueError("no")
    results = await in_one_group(writer, put("a"), put_and_fail("b", error), put("c"))
    assert results == ["a", error, "c"]
    assert connection.twins() == {"a", "c"}
    assert connection.commits == 2


async def test_writes_that_succeed_need_no_savepoints(writer: Writer, connection: Connection):
    await in_one_group(writer, put("a"), put("b"))
    assert connection.savepoints == 0


async def test_a_write_that_is_refused_before_it_stores_anything_lets_the_others_be(
    writer: Writer, connection: Connection
):
    runs: list[str] = []

    def noting(name: str) -> Callable[[Transaction], str]:
        def operation(tx: Transaction) -> str:
            runs.append(name)
            return put(name)(tx)

        return operation

    def refusing(_: Transaction) -> str:
        raise TWIN_MISSING

    assert await in_one_group(writer, noting("a"), refusing, noting("b")) == ["a", TWIN_MISSING, "b"]
    assert (runs, connection.savepoints, connection.commits) == (["a", "b"], 0, 2)
    assert connection.twins() == {"a", "b"}


async def test_a_write_that_fails_half_way_has_the_others_run_again_in_savepoints(
    writer: Writer, connection: Connection
):
    results = await in_one_group(
        writer, put("a"), put_and_fail("b", TWIN_MISSING), put("c"), put_and_fail("d", TWIN_MISSING)
    )
    assert results == ["a", TWIN_MISSING, "c", TWIN_MISSING]
    assert connection.savepoints == 4
    assert connection.twins() == {"a", "c"}


async def test_a_write_alone_that_fails_half_way_runs_once_and_leaves_nothing(writer: Writer, connection: Connection):
    runs = []

    def operation(tx: Transaction) -> str:
        runs.append(put("a")(tx))
        raise TWIN_MISSING

    with pytest.raises(AdtError):
        await writer.run(operation)
    assert (runs, connection.commits, connection.twins()) == (["a"], 0, set())
    assert await writer.run(put("b")) == "b"


async def test_what_a_failed_write_has_logged_is_not_told(writer: Writer, connection: Connection):
    change = Notification("t", "a", "a", "m", "now", None, "{}")

    def logging(name: str, *, fails: bool) -> Callable[[Transaction], str]:
        def operation(tx: Transaction) -> str:
            put(name)(tx)
            tx.append_change(change)
            if fails:
                raise TWIN_MISSING
            return name

        return operation

    await in_one_group(writer, logging("a", fails=False), logging("b", fails=True), logging("c", fails=False))
    assert connection.execute("SELECT count(*) FROM changes").fetchone() == (2,)
    assert writer._transaction.newest_change == 2


async def test_a_write_that_is_not_to_be_kept_takes_back_only_its_own(writer: Writer, connection: Connection):
    writes = [writer.run(put(name), keep=name != "b") for name in "abc"]
    assert await asyncio.gather(*writes) == ["a", "b", "c"]
    assert connection.twins() == {"a", "c"}


async def test_a_storage_error_of_one_write_fails_only_that_write(writer: Writer, connection: Connection):
    error = sqlite3.OperationalError("database or disk is full")
    results = await in_one_group(writer, put("a"), put_and_fail("b", error), put("c"))
    assert results == ["a", error, "c"]
    assert connection.twins() == {"a", "c"}


async def test_a_commit_that_fails_once_loses_nothing(writer: Writer, connection: Connection):
    free = threading.Event()
    holding = asyncio.ensure_future(writer.run(lambda _: free.wait()))
    await asyncio.sleep(0.01)
    writes = [asyncio.ensure_future(writer.run(put(f"t{n}"))) for n in range(5)]
    await asyncio.sleep(0)
    connection.failures = ["COMMIT"]  # of the holding write, then of nothing
    free.set()
    results = await asyncio.gather(holding, *writes, return_exceptions=True)
    assert isinstance(results[0], sqlite3.OperationalError)
    assert results[1:] == [f"t{n}" for n in range(5)]
    assert connection.twins() == {f"t{n}" for n in range(5)}


async def test_a_commit_that_fails_is_reported_and_the_writer_goes_on(writer: Writer, connection: Connection):
    connection.failures = ["COMMIT"]
    with pytest.raises(sqlite3.OperationalError):
        await writer.run(put("a"))
    assert connection.twins() == set()
    assert await writer.run(put("b")) == "b"


@pytest.mark.parametrize("statement", ["BEGIN IMMEDIATE", "SAVEPOINT write", "ROLLBACK TO write", "RELEASE write"])
async def test_the_writer_survives_a_failure_anywhere(writer: Writer, connection: Connection, statement: str):
    connection.failures = [statement]
    with pytest.raises(sqlite3.OperationalError):
        await writer.run(put("a"), keep=False)
    assert await writer.run(put("b")) == "b"
    assert connection.twins() == {"b"}


async def test_the_clock_is_stored_ahead_and_not_with_each_commit(
    writer: Writer, connection: Connection, monkeypatch: pytest.MonkeyPatch
):
    nanoseconds = 10**18
    monkeypatch.setattr("localtwins.engine.clock.time.time_ns", lambda: nanoseconds)

    async def write() -> bool:
        """Tells whether what is stored is later than the time of a write."""
        now = await writer.run(lambda tx: tx.now())
        return bool(connection.execute("SELECT latest > ? FROM clock", (now,)).fetchone()[0])

    assert [await write() for _ in range(20)] == [True] * 20
    assert connection.clock_updates == 1
    nanoseconds += 200_000_000
    assert [await write(), await write()] == [True, True]
    assert connection.clock_updates == 2
    nanoseconds += 200_000_000
    connection.failures = ["COMMIT"]
    with pytest.raises(sqlite3.OperationalError):
        await write()
    assert [await write(), await write()] == [True, True]
    assert connection.clock_updates == 4


async def test_a_write_whose_caller_left_before_it_began_is_dropped(writer: Writer, connection: Connection):
    free = threading.Event()
    holding = asyncio.ensure_future(writer.run(lambda _: free.wait()))
    await asyncio.sleep(0.01)
    write = asyncio.ensure_future(writer.run(put("a")))
    await asyncio.sleep(0)
    write.cancel()
    await asyncio.sleep(0)
    free.set()
    await holding
    await writer.run(put("b"))
    assert connection.twins() == {"b"}


def test_a_write_whose_event_loop_is_closed_is_stored_and_the_writer_goes_on(
    writer: Writer, connection: Connection, caplog: pytest.LogCaptureFixture
):
    free = threading.Event()

    async def leave() -> None:
        asyncio.ensure_future(writer.run(lambda tx: (free.wait(), put("a")(tx))))  # noqa: RUF006  (it is left behind)
        await asyncio.sleep(0.05)

    asyncio.run(leave())
    free.set()
    assert asyncio.run(writer.run(put("b"))) == "b"
    assert connection.twins() == {"a", "b"}
    assert "an event loop is closed; its writes are stored all the same writes=1" in caplog.text


async def test_a_closed_writer_takes_nothing(connection: Connection):
    as_sqlite = cast("sqlite3.Connection", connection)
    writer = Writer(as_sqlite, Transaction(as_sqlite, Clock()), nullcontext())
    writer.close()
    with pytest.raises(RuntimeError, match="closed"):
        await writer.run(put("a"))


async def test_a_full_disk_is_a_503_and_nothing_is_lost(tmp_path: Path):
    service = await LocalTwins.open(tmp_path)

    async def send(method: str, path: str, body: bytes = b"") -> Response:
        return await service.handle(Request(method, path, "api-version=2023-10-31", {}, body))

    try:
        model = b'[{"@id":"dtmi:t:N;1","@type":"Interface","@context":"dtmi:dtdl:context;2","contents":[%b]}]'
        prop = b'{"@type":"Property","name":"text","schema":"string"}'
        assert (await send("POST", "/models", model % prop)).status == 201
        twin = b'{"$metadata":{"$model":"dtmi:t:N;1"},"text":"%b"}' % (b"x" * 4000)
        assert (await send("PUT", "/digitaltwins/before", twin)).status == 200
        connection = service._database._writer._connection
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        answers = await asyncio.gather(*(send("PUT", f"/digitaltwins/full{n}", twin) for n in range(20)))
        refused = [n for n, answer in enumerate(answers) if answer.status == 503]
        assert len(refused) > 10
        assert b'"code":"ServiceUnavailable"' in answers[refused[0]].body
        connection.execute("PRAGMA max_page_count = 100000")
        for number, answer in enumerate(answers):
            found = await send("GET", f"/digitaltwins/full{number}")
            assert found.status == (200 if answer.status == 200 else 404)
        assert (await send("GET", "/digitaltwins/before")).status == 200
        assert (await send("PUT", "/digitaltwins/after", twin)).status == 200
    finally:
        await service.close()
