"""The database: its plans, its counts, its order."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from localtwins import dtdl
from localtwins.engine.clock import Clock
from localtwins.store import schema
from localtwins.store.database import Database
from localtwins.store.reader import EventRoute
from localtwins.store.transaction import Transaction


def relate(tx: Transaction, source: str, relationship_id: str, target: str) -> None:
    tx.put_relationship(source, relationship_id, target_id=target, name="n", etag="e", document=b"{}")


def test_migrating_again_changes_nothing(connection: sqlite3.Connection):
    before = connection.execute("SELECT sql FROM sqlite_schema").fetchall()
    schema.migrate(connection)
    assert connection.execute("SELECT sql FROM sqlite_schema").fetchall() == before
    assert connection.execute("PRAGMA user_version").fetchone() == (len(schema.MIGRATIONS),)


async def test_whoever_reads_cannot_write(tmp_path: Path):
    database = Database.open(tmp_path)
    try:
        with database.reading() as read, pytest.raises(sqlite3.OperationalError, match="readonly"):
            read._connection.execute("DELETE FROM digital_twins")
    finally:
        await database.close()


def test_event_routes_of_an_earlier_version_keep_their_place_in_the_log_and_are_listed_by_id():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    with closing(connection), pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:4])
        schema.migrate(connection)
        for route in (("z", "hook", "true", 7), ("a", "file", "false", 3)):
            connection.execute("INSERT INTO event_routes VALUES (?, ?, ?, ?)", route)
        patch.undo()
        schema.migrate(connection)
        tx = Transaction(connection, Clock())
        assert tx.event_routes() == [EventRoute(1, "a", "file", "false", 3), EventRoute(2, "z", "hook", "true", 7)]
        tx.put_event_route("b", "file", "true")
        tx.put_event_route("a", "hook", "true")
        assert [route.id for route in tx.event_routes()] == ["a", "z", "b"]
        assert tx.event_route("a") == EventRoute(1, "a", "hook", "true", 3)


def test_counts_follow_every_change(tx: Transaction):
    for twin in ("a", "b", "c"):
        tx.put_digital_twin(twin, "m", "e", b"{}")
    tx.put_digital_twin("a", "m", "e2", b"{}")
    assert tx.total("digital_twins") == 3
    relate(tx, "a", "r", "b")
    relate(tx, "a", "r", "b")
    relate(tx, "a", "s", "c")
    assert (tx.total("relationships"), tx.relationship_counts("a"), tx.relationship_counts("b")) == (2, (2, 0), (0, 1))
    relate(tx, "a", "r", "c")
    assert (tx.relationship_counts("b"), tx.relationship_counts("c")) == ((0, 0), (0, 2))
    tx.delete_relationship("a", "r")
    tx.delete_relationship("a", "s")
    tx.delete_digital_twin("a")
    assert (tx.total("digital_twins"), tx.total("relationships"), tx.relationship_counts("c")) == (2, 0, (0, 0))


def test_pages_are_found_by_key_and_not_by_scan_or_sort(connection: sqlite3.Connection, tx: Transaction):
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    tx.outgoing("a", ("", ""), 10)
    tx.outgoing("a", ("", ""), 10, "name")
    tx.incoming("a", ("", "", ""), 10)
    connection.set_trace_callback(None)
    for statement in statements:
        (step,) = [row[3].decode() for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
        assert step.startswith("SEARCH relationships USING")
        assert "sort_key" in step
    assert len(statements) == 3


@pytest.mark.parametrize("kind", ["digital_twins", "relationships"])
def test_there_is_room_below_a_limit_whatever_was_put_taken_back_and_deleted(
    connection: sqlite3.Connection, tx: Transaction, kind: str
):
    def put(name: str) -> None:
        tx.put_digital_twin(name, "m", "e", b"{}")
        relate(tx, name, "r", "x")

    def delete(name: str) -> None:
        tx.delete_relationship(name, "r")
        tx.delete_digital_twin(name)

    def has_room() -> bool:
        room = tx.has_room(kind, 3)
        assert room == (tx.total(kind) < 3)
        return room

    assert has_room()
    for name in ("a", "a", "a", "b"):
        put(name)
        assert has_room()
    put("c")
    assert not has_room()
    delete("b")
    assert has_room()
    connection.execute("BEGIN")
    put("d")
    assert not has_room()
    connection.execute("ROLLBACK")
    assert has_room()


def test_a_new_relationship_is_checked_against_what_single_look_ups_give(tx: Transaction):
    for twin in ("a", "b", "c"):
        tx.put_digital_twin(twin, f"model of {twin}", "e", b"{}")
    for source, name, target in (("a", "r", "b"), ("a", "s", "b"), ("b", "r", "c")):
        relate(tx, source, name, target)
    for source in ("a", "b", "missing"):
        for name in ("r", "s", "t"):
            for target in ("a", "b", "c", "missing", ""):
                ends = tx.ends(source, name, target)
                twins = [tx.digital_twin(source), tx.digital_twin(target)]
                assert [ends.source_model, ends.target_model] == [twin and twin.model_id for twin in twins]
                assert (ends.outgoing, ends.incoming) == (
                    tx.relationship_counts(source)[0],
                    tx.relationship_counts(target)[1],
                )
                assert ends.current == tx.relationship(source, name)


async def test_a_model_that_was_taken_back_or_changed_is_not_remembered(tmp_path: Path):
    database = Database.open(tmp_path)
    interface = dtdl.load({"@id": "dtmi:a;1", "@type": "Interface", "@context": "dtmi:dtdl:context;2"})

    def insert(tx: Transaction) -> None:
        tx.insert_model(interface, b"{}", b"{}")
        assert tx.parsed_model("dtmi:a;1") is not None

    def decommission(tx: Transaction) -> bool:
        tx.decommission_model("dtmi:a;1", b"{}")
        return decommissioned(tx) is True

    def decommissioned(tx: Transaction) -> bool | None:
        model = tx.parsed_model("dtmi:a;1")
        return None if model is None else model.decommissioned

    try:
        await database.write(insert, keep=False)
        assert await database.write(decommissioned) is None
        await database.write(insert)
        assert await database.write(decommission, keep=False)
        assert await database.write(decommissioned) is False
        assert await database.write(decommission)
        assert await database.write(decommissioned) is True
        await database.write(lambda tx: tx.delete_model("dtmi:a;1"))
        assert await database.write(decommissioned) is None
    finally:
        await database.close()
