"""Properties in SQL, read from the JSON documents of twins and relationships, and indexes over them."""

# ruff: noqa: S608  (the SQL is put together from our own pieces, and values are bound)
import re
import sqlite3
from collections.abc import Collection as SizedCollection
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from localtwins.query.collection import Collection
from localtwins.query.parameters import Parameters

Segments = tuple[str, ...]

_TWIN_COLUMNS: Final[dict[Segments, str]] = {
    ("$dtId",): "id",
    ("$etag",): "etag",
    ("$metadata", "$model"): "model_id",
}
_RELATIONSHIP_COLUMNS: Final[dict[Segments, str]] = {
    ("$relationshipId",): "id",
    ("$sourceId",): "source_id",
    ("$targetId",): "target_id",
    ("$relationshipName",): "name",
    ("$etag",): "etag",
}
ESCAPED_IN_JSON: Final = re.compile(r'["\\\x00-\x1f]')
"""JSON writes these escaped, and the paths of older SQLite versions do not match them then."""
_INDEXABLE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*")
_MEMBER: Final = "member"
_INDEX_PREFIX: Final = "digital_twins_property:"


@dataclass(frozen=True, slots=True)
class Property:
    """Locates a value: `document` is the SQL of JSON text, `path` the SQL of the path in it."""

    document: str
    path: str

    @property
    def json(self) -> str:
        """Gives the value as JSON text, NULL if undefined."""
        return f"{self.document} -> {self.path}"

    @property
    def type(self) -> str:
        """Gives the name of the JSON type as SQLite has it, NULL if undefined."""
        return f"json_type({self.document}, {self.path})"

    @property
    def comparable(self) -> str:
        """Gives the value if it is a number or a string, else NULL.

        SQLite orders all numbers before all strings and never takes one for the other, so this alone is enough to
        compare by, and an index over it serves every comparison.
        """
        value = f"json_extract({self.document}, {self.path})"
        return f"CASE WHEN {self.type} IN ('integer', 'real', 'text') THEN {value} END"


def column(collection: Collection, segments: Segments) -> str | None:
    """Gives the SQL of the column that holds a value, if one does."""
    name = (_TWIN_COLUMNS if collection.of_twins else _RELATIONSHIP_COLUMNS).get(segments)
    return None if name is None else f"{collection.table}.{name}"


def has_column_or_index(collection: Collection, segments: Segments, indexed: SizedCollection[str]) -> bool:
    """Tells whether a value is compared without a look into documents: it has a column, or twins an index for it."""
    return column(collection, segments) is not None or (collection.of_twins and ".".join(segments) in indexed)


def locate(
    collection: Collection, segments: Segments, parameters: Parameters, indexed: SizedCollection[str] = ()
) -> Property:
    """Gives the value that `segments` lead to in the documents of a collection.

    Args:
        collection: twins or relationships.
        segments: the names on the way to the value.
        parameters: take what is bound.
        indexed: the dotted paths of the properties of twins that have an index. SQLite finds such an index only by the
            very expression that it is made of.
    """
    document = f"{collection.table}.document"
    if collection.of_twins and (dotted := ".".join(segments)) in indexed:
        return Property(document, _index_path(dotted))
    steps: list[str] = []
    names: list[str] = []
    plain: list[str] = []
    for segment in segments:
        if ESCAPED_IN_JSON.search(segment):
            steps.append(_members(document, parameters.bind(_path(plain)), len(steps)))
            names.append(parameters.bind(segment))
            document, plain = f"{_MEMBER}{len(steps) - 1}", []
        else:
            plain.append(segment)
    return Property(_named_member(steps, names) if steps else document, parameters.bind(_path(plain)))


def _path(segments: Sequence[str]) -> str:
    return "$" + "".join(f'."{segment}"' for segment in segments)


def _members(holder: str, path: str, number: int) -> str:
    """Gives the table of an object's members: of one in a document, or in a member of the table before this one."""
    if number:
        holder = f"CASE WHEN {holder}.type IN ('object', 'array') THEN {holder}.value END"
    return f"json_each({holder}, {path}) {_MEMBER}{number}"


def _named_member(tables: Sequence[str], names: Sequence[str]) -> str:
    """Gives the JSON text of a member below names that a path cannot hold."""
    last = f"{_MEMBER}{len(tables) - 1}"
    found = " AND ".join(f"{_MEMBER}{number}.key = {name}" for number, name in enumerate(names))
    return (
        f"(SELECT CASE WHEN {last}.type IN ('true', 'false', 'null') THEN {last}.type"
        f" WHEN {last}.type IN ('object', 'array') THEN {last}.value ELSE json_quote({last}.value) END"
        f" FROM {' CROSS JOIN '.join(tables)} WHERE {found})"
    )


def check_indexable(dotted: str) -> None:
    """Refuses a text that is not the dotted path of a property that can have an index.

    Raises:
        ValueError: it is not.
    """
    if not _INDEXABLE.fullmatch(dotted):
        message = f"{dotted!r} is not the dotted path of a property that can have an index"
        raise ValueError(message)


def _index_path(dotted: str) -> str:
    check_indexable(dotted)
    return f"'{_path(dotted.split('.'))}'"


def _create_index(dotted: str) -> str:
    value = Property("document", _index_path(dotted)).comparable
    return f'CREATE INDEX "{_INDEX_PREFIX}{dotted}" ON digital_twins ({value}) WHERE {value} IS NOT NULL'


def index_properties(connection: sqlite3.Connection, wanted: SizedCollection[str]) -> None:
    """Makes the indexes over the properties of twins that are `wanted`, and takes all others away.

    A property is named by its dotted path, such as `Temperature` or `thermostat.setpoint`.

    Raises:
        ValueError: a path is not one of a property; nothing is changed.
        sqlite3.Error: nothing is changed.
    """
    made = {dotted: _create_index(dotted) for dotted in wanted}
    present = indexed_properties(connection)
    if present == made.keys():
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for dotted in present - made.keys():
            connection.execute(f'DROP INDEX "{_INDEX_PREFIX}{dotted}"')
        for dotted in made.keys() - present:
            connection.execute(made[dotted])
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def indexed_properties(connection: sqlite3.Connection) -> frozenset[str]:
    """Gives the dotted paths of the properties that have an index in a database."""
    rows = connection.execute(
        "SELECT CAST(substr(name, ?) AS BLOB) FROM sqlite_schema WHERE type = 'index' AND name GLOB ?",
        (len(_INDEX_PREFIX) + 1, f"{_INDEX_PREFIX}*"),
    )
    return frozenset(name.decode() for (name,) in rows)
