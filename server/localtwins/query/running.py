"""Reading the rows of a query, page by page."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from localtwins.query.continuation import Position
from localtwins.query.errors import continuation_token_invalid
from localtwins.query.parameters import SqlValue
from localtwins.query.statement import Statement

# Query units, near the charges that are recorded: 6.19 for 44 twins of 15 KiB, about 3 for a COUNT.
_BASE_CHARGE = 2.9
_CHARGE_PER_ROW = 0.05
_CHARGE_PER_KIBIBYTE = 0.07


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a query as JSON, what they cost in query units, and where to go on if there are more."""

    rows: list[bytes]
    charge: str
    next: Position | None


class Interrupted(Exception):  # noqa: N818 - not an error: the caller asked for it
    """A query was told to stop."""


def run(
    statement: Statement,
    connection: sqlite3.Connection,
    *,
    size: int,
    position: Position | None = None,
    stop: Callable[[], bool] = lambda: False,
    steps: int = 1_000,
) -> Page:
    """Read at most `size` rows from behind `position`. Blocks.

    `stop` is asked every so many `steps` of SQLite's virtual machine, of which a row scanned takes about ten. The
    connection's text_factory is bytes, and nothing else uses the connection meanwhile. Raises BadRequest for the
    position of another query, Interrupted, and sqlite3.Error.
    """
    after, answered = (position.keys, position.answered) if position else ((), 0)
    if position and len(after) != len(statement.rows.keys):
        raise continuation_token_invalid()
    wanted = size if statement.top is None else min(size, max(statement.top - answered, 0))
    sql, parameters = statement.sql(after, wanted + 1)
    with _stopped_by(stop, steps, connection):
        found = connection.execute(sql, parameters).fetchall()
    answered += wanted
    more = len(found) > wanted and answered != statement.top
    del found[wanted:]
    rows = _rendered(statement, found)
    next_page = None
    if more and found:
        keys = tuple(_key(key) for key in found[-1][len(statement.selected) :])
        next_page = Position(statement.query, keys, answered)
    return Page(rows, _charge(rows), next_page)


@contextmanager
def _stopped_by(stop: Callable[[], bool], steps: int, connection: sqlite3.Connection) -> Iterator[None]:
    connection.set_progress_handler(stop, steps)
    try:
        yield
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            raise Interrupted from None
        raise
    finally:
        connection.set_progress_handler(None, 0)


def _rendered(statement: Statement, found: Sequence[Sequence[Any]]) -> list[bytes]:
    """Write the rows as JSON."""
    if statement.members is None:
        return [row[0] for row in found]
    names = [orjson.dumps(name) + b":" for name in statement.members]
    return [
        b"{%b}" % b",".join([name + _json(value) for name, value in zip(names, row, strict=False) if value is not None])
        for row in found
    ]


def _json(value: bytes | int) -> bytes:
    return value if isinstance(value, bytes) else b"%d" % value


def _key(value: bytes | int) -> SqlValue:
    return value.decode() if isinstance(value, bytes) else value


def _charge(rows: list[bytes]) -> str:
    kibibytes = sum(map(len, rows)) / 1024
    return f"{_BASE_CHARGE + _CHARGE_PER_ROW * len(rows) + _CHARGE_PER_KIBIBYTE * kibibytes:.2f}"
