"""The query language of Azure Digital Twins, compiled to one SQL statement per query.

    statement = compile_query("SELECT T FROM DIGITALTWINS T WHERE T.$dtId = 'room-1'")
    page = run(statement, connection, size=100)

`parsing` makes a syntax tree of the text, `compiling` an SQL statement of the tree, and `running` reads a page of its
rows.
"""

from localtwins.query.compiling import COMPILING_SECONDS, compile_query
from localtwins.query.continuation import Position, read_token, write_token
from localtwins.query.properties import index_properties
from localtwins.query.running import Page, run
from localtwins.query.statement import Statement

__all__ = [
    "COMPILING_SECONDS",
    "Page",
    "Position",
    "Statement",
    "compile_query",
    "index_properties",
    "read_token",
    "run",
    "write_token",
]
