"""Reads the rows of a query, page by page."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

import orjson

from localtwins.limits import PAGE_BYTES
from localtwins.query.continuation import Position
from localtwins.query.errors import continuation_token_invalid
from localtwins.query.parameters import SqlValue
from localtwins.query.statement import Statement

_FETCHED: Final = 100
_CLOSE: Final = 6
"""Rows are close together if one in so many of the table is theirs, or more.

SQLite gets past a row of 300 bytes that is none of them in 0.08 µs: a page of one in five takes 75 µs and not 115.
"""

# Query units, near the charges that are recorded: 6.19 for 44 twins of 15 KiB, about 3 for a COUNT.
_BASE_CHARGE: Final = 2.9
_CHARGE_PER_ROW: Final = 0.05
_CHARGE_PER_KIBIBYTE: Final = 0.07


@dataclass(frozen=True, slots=True)
class Page:
    """Holds some rows of a query as JSON, their cost in query units, and the place to go on from if there are more."""

    rows: list[bytes]
    charge: str
    next: Position | None


class Interrupted(Exception):  # noqa: N818  (not an error: the caller asked for it)
    """Ends a query that was told to stop."""


def run(
    statement: Statement,
    connection: sqlite3.Connection,
    *,
    size: int,
    position: Position | None = None,
    stop: Callable[[], bool] = lambda: False,
    steps: int = 1_000,
) -> Page:
    """Reads at most `size` rows from behind `position`. Blocks.

    Args:
        statement: the query.
        connection: nothing else uses it meanwhile; its `text_factory` is bytes.
        size: the most rows.
        position: where the page before ended; None for the first page.
        stop: tells whether to stop now.
        steps: `stop` is asked every so many steps of SQLite's virtual machine, of which a row scanned takes about ten.

    Raises:
        AdtError: BadRequest for the position of another query.
        Interrupted: `stop` said so.
        sqlite3.Error: the database cannot be read.
    """
    after, answered = (position.keys, position.answered) if position else ((), 0)
    if position and len(after) != len(statement.rows.keys):
        raise continuation_token_invalid()
    wanted = size if statement.top is None else min(size, max(statement.top - answered, 0))
    with _stopped_by(stop, steps, connection):
        rows, last, more = _found(statement, connection, after, wanted)
    answered += len(rows)
    next_page = None
    if more and last is not None and answered != statement.top:
        keys = tuple(_key(key) for key in last[len(statement.selected) :])
        next_page = Position(statement.query, keys, answered)
    return Page(rows, _charge(rows), next_page)


def _found(
    statement: Statement, connection: sqlite3.Connection, after: Sequence[SqlValue], wanted: int
) -> tuple[list[bytes], Sequence[Any] | None, bool]:
    """Finds the rows of a page; see `_fetched`.

    Nobody asks for the keys of a page that nothing comes behind, and the six texts of 3 hops take 30 of 110 µs. So they
    are left out where the last page was the only one, and one that is not is read again, with keys.

    An index that finds rows out of their order finds all of them for each page, and sorts them. Where they stand close
    together the next page is read in their own order instead: one by IS_OF_MODEL then takes 70 µs and not 190, and one
    of a range that half of a million twins are in takes no time that grows with them.
    """
    expected = statement.expected
    if expected.dense:
        scan = statement.sql_of_scan(after, wanted + 1, _CLOSE * (wanted + 1))
        found = _fetched(statement, connection, scan, wanted)
        if found[2]:
            return found
    keyed = bool(after) or expected.goes_on or not statement.has_costly_keys
    rows, last, more = _fetched(statement, connection, statement.sql(after, wanted + 1, keyed=keyed), wanted)
    if more and not keyed:
        rows, last, more = _fetched(statement, connection, statement.sql(after, wanted + 1), wanted)
    if not after:
        expected.goes_on = more
    if statement.rows.scattered:
        start = after[0] if after else 0
        if isinstance(start, int) and more and last is not None:  # callers can make up tokens
            expected.dense = last[-1] - start <= _CLOSE * len(rows)
        else:
            expected.dense = False
    return rows, last, more


def _fetched(
    statement: Statement, connection: sqlite3.Connection, bound: tuple[str, tuple[SqlValue, ...]], wanted: int
) -> tuple[list[bytes], Sequence[Any] | None, bool]:
    """Fetches rows as JSON: gives them, the last one as it was found, and whether there are more.

    They are as many as `wanted`, or fewer if they are large: what is fetched at a time is small beside a page.
    """
    with closing(connection.execute(*bound)) as cursor:
        return _taken(statement, cursor, wanted)


def _taken(statement: Statement, cursor: sqlite3.Cursor, wanted: int) -> tuple[list[bytes], Sequence[Any] | None, bool]:
    rows: list[bytes] = []
    last = None
    room = PAGE_BYTES
    while found := cursor.fetchmany(_FETCHED):
        rendered = _rendered(statement, found)
        # The first row always fits, or nobody could get past it.
        ends = accumulate(map(len, rendered))
        fitting = sum(1 for end in ends if end <= room) if sum(map(len, rendered)) > room else len(rendered)
        taken = min(wanted - len(rows), fitting if rows else max(fitting, 1))
        if taken:
            rows += rendered[:taken]
            last = found[taken - 1]
        if taken < len(found):
            return rows, last, True
        room -= sum(map(len, rendered))
    return rows, last, False


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
    """Writes the rows as JSON."""
    if statement.members is None:
        return [row[0] for row in found]
    names = [orjson.dumps(name) + b":" for name in statement.members]
    form = b"{%b}" % b",".join([name.replace(b"%", b"%%") + b"%b" for name in names])
    count = len(names)
    with suppress(TypeError):  # one value is missing or no text; else this takes a third of the time
        return [form % row[:count] for row in found]
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
