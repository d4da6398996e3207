"""A database in memory, as each test of the store and of what is done in transactions wants it."""

import sqlite3
from collections.abc import Iterator

import pytest

from localtwins.engine.clock import Clock
from localtwins.store import schema
from localtwins.store.transaction import Transaction


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    schema.migrate(connection)
    yield connection
    connection.close()


@pytest.fixture
def tx(connection: sqlite3.Connection) -> Transaction:
    return Transaction(connection, Clock())
