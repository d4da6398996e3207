"""One state of a database file, read from outside while a service may go on writing to it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from localtwins.store.data_dir import DATABASE_NAME
from localtwins.store.database import check_ours
from twinfront_program.startup_error import StartupError


class Snapshot:
    """Reads models, digital twins and relationships as they were when the snapshot was opened.

    Args:
        connection: has an open transaction.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def model_dependencies(self) -> dict[str, list[str]]:
        """Gives the ids of all models in the order of upload, each with those of the models that it needs."""
        needs: dict[str, list[str]] = {}
        rows = self._connection.execute(
            "SELECT id, referenced FROM models LEFT JOIN model_references ON referrer = id"
            " ORDER BY position, referenced"
        )
        for model_id, referenced in rows:
            needs.setdefault(model_id, []).extend(() if referenced is None else (referenced,))
        return needs

    def definition(self, model_id: str) -> bytes:
        """Gives the definition of a model that is there."""
        (definition,) = self._connection.execute("SELECT definition FROM models WHERE id = ?", (model_id,)).fetchone()
        return str(definition).encode()

    def digital_twins(self) -> Iterator[bytes]:
        """Gives the documents of all twins, by id."""
        return self._documents("SELECT document FROM digital_twins ORDER BY id")

    def relationships(self) -> Iterator[bytes]:
        """Gives the documents of all relationships, by source and id."""
        return self._documents("SELECT document FROM relationships ORDER BY source_id, id")

    def _documents(self, sql: str) -> Iterator[bytes]:
        for (document,) in self._connection.execute(sql):
            yield document.encode()


@contextmanager
def open_snapshot(data_dir: Path) -> Iterator[Snapshot]:
    """Takes a snapshot of the database in a data directory.

    Raises:
        StartupError: there is none, or it cannot be read.
    """
    path = data_dir / DATABASE_NAME
    if not path.is_file():
        raise StartupError(f"There is no database in {data_dir}. Name another directory with --data-dir.")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            check_ours(connection, path)
            connection.execute("BEGIN")
            yield Snapshot(connection)
    except sqlite3.Error as error:
        raise StartupError(f"The database {path} cannot be read: {error}.") from error
