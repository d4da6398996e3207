"""The query language of Azure Digital Twins, compiled to one SQL statement per query.

    statement = compile_query("SELECT T FROM DIGITALTWINS T WHERE T.$dtId = 'room-1'")
    page = run(statement, connection, size=100)

`parsing` makes a syntax tree of the text, `compiling` an SQL statement of the tree, and `running` reads a page of its
rows.

What compiles is loaded when the first query comes, or when a server that has started has the time.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any, Final

from localtwins.query.continuation import Position, read_token, write_token
from localtwins.query.properties import index_properties
from localtwins.query.running import Page, run
from localtwins.query.statement import Statement
from twinfront_program.light_start import load_later

if TYPE_CHECKING:
    from localtwins.query.compiling import compile_query

__all__ = [
    "Page",
    "Position",
    "Statement",
    "compile_query",
    "index_properties",
    "is_loaded",
    "read_token",
    "run",
    "write_token",
]

_COMPILER: Final = load_later(f"{__name__}.compiling")


def is_loaded() -> bool:
    """Tells whether queries are compiled at once; else the first one takes some 50 ms."""
    return _COMPILER in sys.modules


def __getattr__(name: str) -> Any:
    """Loads what compiles when it is asked for the first time."""
    if name != "compile_query":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(_COMPILER), name)
    globals()[name] = found  # to look for it here each time would take 2 µs, a tenth of a short query
    return found
