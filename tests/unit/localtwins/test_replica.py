"""The copy that queries read with a lag: which state of the database it shows when."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from localtwins.dtdl import parse
from localtwins.engine.clock import Clock
from localtwins.query import compile_query, run
from localtwins.store import schema
from localtwins.store.replica import Replica
from localtwins.store.transaction import Transaction
from localtwins.store.writer import Writer

LAG = 10.0
(MODEL,) = parse(
    [{"@context": "dtmi:dtdl:context;3", "@id": "dtmi:a;1", "@type": "Interface", "extends": "dtmi:b;1"}],
    {"dtmi:b;1": {"@context": "dtmi:dtdl:context;3", "@id": "dtmi:b;1", "@type": "Interface"}}.get,
)


class Lagging:
    """A database, its copy 10 seconds behind, and the time."""

    def __init__(self, folder: Path) -> None:
        self.now = 0.0
        self.source = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        schema.migrate(self.source)
        put("old", 1)(Transaction(self.source, Clock()))
        self.replica = Replica(folder / "queries.db", self.source, LAG, lambda: self.now)
        self.writer = Writer(self.source, Transaction(self.source, Clock()), nullcontext())
        self.copy = sqlite3.connect(self.replica.path, isolation_level=None)
        self.copy.text_factory = bytes

    async def write(self, *operations: Callable[[Transaction], None]) -> None:
        """Write in one transaction."""

        def operation(transaction: Transaction) -> None:
            for change in operations:
                change(transaction)

        await self.writer.run(operation)

    async def wait(self, seconds: float) -> None:
        """Let the copy make a step, time pass, and the copy make another step."""
        await self.replica.step(self.writer)
        self.now += seconds
        await self.replica.step(self.writer)

    @property
    def shown(self) -> list[bytes]:
        return run(compile_query("SELECT T.$dtId AS id, T.v FROM DIGITALTWINS T"), self.copy, size=100).rows

    async def close(self) -> None:
        self.copy.close()
        await self.replica.close()
        self.writer.close()
        self.source.close()


@pytest.fixture
async def lagging(tmp_path: Path) -> AsyncIterator[Lagging]:
    lagging = Lagging(tmp_path)
    yield lagging
    await lagging.close()


def put(twin_id: str, value: int) -> Callable[[Transaction], None]:
    document = b'{"$dtId":"%b","v":%d}' % (twin_id.encode(), value)
    return lambda transaction: transaction.put_digital_twin(twin_id, "m", "e", document)


def delete(twin_id: str) -> Callable[[Transaction], None]:
    return lambda transaction: transaction.delete_digital_twin(twin_id)


OLD = b'{"id":"old","v":1}'


async def test_what_is_there_at_the_start_is_seen_at_once(lagging: Lagging):
    assert lagging.shown == [OLD]


async def test_a_write_is_seen_when_the_lag_is_over_and_not_before(lagging: Lagging):
    await lagging.write(put("new", 2))
    await lagging.wait(LAG - 0.1)
    assert lagging.shown == [OLD]
    await lagging.wait(0.1)
    assert lagging.shown == [OLD, b'{"id":"new","v":2}']


async def test_states_are_seen_one_after_the_other(lagging: Lagging):
    await lagging.write(put("old", 2), put("new", 1))
    await lagging.wait(4)
    await lagging.write(put("old", 3), delete("new"))
    await lagging.wait(6)
    assert lagging.shown == [b'{"id":"old","v":2}', b'{"id":"new","v":1}']
    await lagging.wait(4)
    assert lagging.shown == [b'{"id":"old","v":3}']


async def test_a_twin_that_is_deleted_and_made_again(lagging: Lagging):
    await lagging.write(delete("old"), put("old", 2), put("other", 1), delete("other"))
    await lagging.wait(LAG)
    assert lagging.shown == [b'{"id":"old","v":2}']


async def test_a_write_that_fails_is_never_seen(lagging: Lagging):
    def fail(_transaction: Transaction) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await lagging.write(put("new", 2), fail)
    await lagging.wait(LAG)
    assert lagging.shown == [OLD]


async def test_relationships_and_models_follow_as_twins_do(lagging: Lagging):
    def relate(transaction: Transaction) -> None:
        transaction.insert_model(MODEL, b"{}", b"{}")
        transaction.put_relationship("old", "r", target_id="x", name="n", etag="e", document=b'{"w":1}')

    def change(transaction: Transaction) -> None:
        transaction.put_relationship("old", "r", target_id="y", name="n", etag="e", document=b'{"w":2}')
        transaction.delete_model("dtmi:a;1")

    def rows() -> tuple[list[tuple[bytes]], list[tuple[bytes]]]:
        return (
            lagging.copy.execute("SELECT target_id || document FROM relationships").fetchall(),
            lagging.copy.execute("SELECT base FROM model_bases ORDER BY base").fetchall(),
        )

    await lagging.write(relate)
    await lagging.wait(LAG)
    assert rows() == ([(b'x{"w":1}',)], [(b"dtmi:a",), (b"dtmi:b",)])
    await lagging.write(change)
    await lagging.wait(LAG)
    assert rows() == ([(b'y{"w":2}',)], [])


async def test_rows_keep_the_places_that_continuation_tokens_name(lagging: Lagging):
    await lagging.write(*(put(f"t{number}", number) for number in range(9)))
    await lagging.wait(3)
    await lagging.write(delete("t8"), delete("t3"), put("t3", 33), put("t9", 9))
    await lagging.wait(LAG)
    places = "SELECT rowid, id FROM digital_twins ORDER BY rowid"
    assert lagging.copy.execute(places).fetchall() == lagging.source.execute(places).fetchall()


async def test_notes_are_kept_no_longer_than_they_are_needed(lagging: Lagging):
    for number in range(50):
        await lagging.write(put("old", number))
        await lagging.wait(LAG / 2)
    ((kept,),) = lagging.source.execute("SELECT count(*) FROM noted_digital_twins").fetchall()
    assert kept <= 4


async def test_what_could_not_be_stored_in_the_copy_is_stored_later(lagging: Lagging):
    await lagging.write(put("new", 2))
    await lagging.replica.step(lagging.writer)
    lagging.now += LAG
    lagging.copy.execute("CREATE TRIGGER full BEFORE INSERT ON digital_twins BEGIN SELECT raise(ABORT, 'full'); END")
    with pytest.raises(sqlite3.Error, match="full"):
        await lagging.replica.step(lagging.writer)
    assert lagging.shown == [OLD]
    lagging.copy.execute("DROP TRIGGER full")
    await lagging.replica.step(lagging.writer)
    assert lagging.shown == [OLD, b'{"id":"new","v":2}']


async def test_the_copy_is_removed_in_the_end(tmp_path: Path):
    lagging = Lagging(tmp_path)
    assert list(tmp_path.iterdir())
    await lagging.close()
    assert not list(tmp_path.iterdir())


async def test_a_copy_that_a_crash_left_behind_is_made_anew(tmp_path: Path):
    for suffix in ("", "-wal", "-shm"):
        (tmp_path / f"queries.db{suffix}").write_bytes(b"damaged")
    lagging = Lagging(tmp_path)
    assert lagging.shown == [OLD]
    await lagging.close()
