"""Writes the output of commands: JSON, lines of JSON, tables."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

FORMS: Final = ("table", "json", "ndjson")

_TABLE_ROWS: Final = 1000
_UNBOUNDED_WIDTH: Final = 10_000

Row = Mapping[str, Any]


def add_output_argument(parser: ArgumentParser, *, of: str = "the rows", default: str = "table") -> None:
    """Adds the option for the form of what is printed."""
    parser.add_argument(
        "-o",
        "--output",
        choices=FORMS,
        help=f"Form of {of} [{default}]; a table has {_TABLE_ROWS} rows at the most.",
    )


def console() -> Console:
    """Prints to stdout: as wide as the terminal, or as wide as need be into a file or a pipe."""
    return Console(width=None if sys.stdout.isatty() else _UNBOUNDED_WIDTH, highlight=False)


def errors() -> Console:
    """Prints to stderr."""
    return Console(stderr=True, highlight=False)


def print_document(document: Row, form: str | None) -> None:
    """Prints one document: as JSON to be read, in colours on a terminal, unless another form was asked for."""
    if form not in {None, "json"}:
        print_rows([document], form)
        return
    text = json.dumps(document, ensure_ascii=False, indent=2)
    if sys.stdout.isatty():
        console().print_json(text, ensure_ascii=False)
    else:
        print(text)


def print_rows(rows: Iterable[Row], form: str | None) -> None:
    """Prints rows as they come, or as a table, which is the default, once all are there."""
    if form == "ndjson":
        for row in rows:
            print(compact(row))
    elif form == "json":
        before = "["
        for row in rows:
            print(before, compact(row), sep="\n  ", end="")
            before = ","
        print("[]" if before == "[" else "\n]")
    else:
        _print_table(iter(rows))


def shown(text: str) -> str:
    """Writes a text from elsewhere so that a terminal cannot take it for commands."""
    return text if text.isprintable() else text.encode("unicode_escape").decode()


def _print_table(rows: Iterator[Row]) -> None:
    cells = [_cells(row) for row in islice(rows, _TABLE_ROWS)]
    columns = list(dict.fromkeys(name for row in cells for name in row))
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(Text(shown(name)), overflow="fold")
    for row in cells:
        table.add_row(*(Text(row.get(name, "")) for name in columns))
    if columns:
        console().print(table)
    if len(cells) == _TABLE_ROWS and next(rows, None) is not None:
        errors().print(f"Only the first {_TABLE_ROWS} rows; -o ndjson prints all of them.")


def _cells(row: Row) -> dict[str, str]:
    """Makes a row for a table: of a digital twin the model instead of etag and metadata."""
    cells = {}
    for name, value in row.items():
        if name == "$metadata" and isinstance(value, Mapping):
            if "$model" in value:
                cells["$model"] = _cell(value["$model"])
        elif name != "$etag":
            cells[name] = _cell(value)
    return cells


def _cell(value: object) -> str:
    match value:
        case str():
            return shown(value)
        case {"$relationshipName": str(name), "$sourceId": str(source), "$targetId": str(target)}:
            return shown(f"{source} ─{name}→ {target}")
        case {"$dtId": str(name)}:
            return shown(name)
        case {"$metadata": _, **members}:
            return shown(compact(members))
        case _:
            return shown(compact(value))


def compact(value: object) -> str:
    """Writes JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
