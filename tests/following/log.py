"""Reads the log of changes from the database file of localtwins, while it grows and before it is trimmed."""

import json
import sqlite3
import uuid
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

_TYPES: Final = {
    "Microsoft.DigitalTwins.Twin.Create": "TWIN_CREATED",
    "Microsoft.DigitalTwins.Twin.Update": "TWIN_UPDATED",
    "localtwins.Twin.Version": "TWIN_UPDATED",
    "Microsoft.DigitalTwins.Twin.Delete": "TWIN_DELETED",
    "Microsoft.DigitalTwins.Relationship.Create": "RELATIONSHIP_CREATED",
    "Microsoft.DigitalTwins.Relationship.Update": "RELATIONSHIP_UPDATED",
    "localtwins.Relationship.Version": "RELATIONSHIP_UPDATED",
    "Microsoft.DigitalTwins.Relationship.Delete": "RELATIONSHIP_DELETED",
    "microsoft.iot.telemetry": "TELEMETRY",
    "localtwins.Model.Create": "MODEL_CREATED",
    "localtwins.Model.Decommission": "MODEL_DECOMMISSIONED",
    "localtwins.Model.Delete": "MODEL_DELETED",
    "localtwins.Job.Write": "JOB_WROTE",
    "localtwins.Job.End": "JOB_ENDED",
}
_COLUMNS: Final = (
    "position, type, twin_id, subject, model_id, data, etag, previous_model_id, target_id, relationship_name,"
    " previous_target_id, previous_relationship_name, logged"
)
_BETWEEN: Final = "/relationships/"


@dataclass(frozen=True, slots=True)
class Row:
    """A change of the log, as far as it is compared; `position` counts the changes there have ever been from 1 on."""

    position: int
    kind: str
    twin_id: str
    relationship_id: str
    model_id: str
    etag: str
    previous_model_id: str
    target_id: str
    relationship_name: str
    previous_target_id: str
    previous_relationship_name: str
    paths: tuple[str, ...]
    job_id: str
    is_of_delete_job: bool
    logged: int

    @property
    def key(self) -> tuple[str, str]:
        """The ids of what it is about: the twin and nothing, or the source and the relationship."""
        return self.twin_id, self.relationship_id


class Log:
    """Reads the log as it grows; `with Log(file) as log`.

    Attributes:
        rows: all changes there have ever been, the first at index 0.
        positions: where the change of an id is.
        deleted_models: the last position at which a job may have deleted models.
    """

    def __init__(self, file: Path) -> None:
        self.rows: list[Row] = []
        self.positions: dict[str, int] = {}
        self.deleted_models = 0
        self._read: list[int] = []
        self._database = sqlite3.connect(file)
        self._database.execute("PRAGMA query_only = 1")
        ((log_id,),) = self._database.execute("SELECT id FROM change_log").fetchall()
        self._id = uuid.UUID(log_id)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    @property
    def newest(self) -> int:
        """The position of the newest change that was read."""
        return len(self.rows)

    def lost(self) -> int:
        """Gives the position up to which the service has forgotten its changes."""
        self.read_on()
        return bisect_right(self._read, self._lost())

    def _lost(self) -> int:
        ((position,),) = self._database.execute("SELECT lost_position FROM change_log").fetchall()
        return int(position)

    def read_on(self) -> None:
        """Reads what is new. What was trimmed before it could be read is an error of the test."""
        last = self._read[-1] if self._read else self._lost()
        for position, *values in self._database.execute(
            f"SELECT {_COLUMNS} FROM changes WHERE position > ? ORDER BY position", (last,)
        ).fetchall():
            self._read.append(position)
            self.rows.append(_row(len(self._read), *values))
            if self.rows[-1].is_of_delete_job:
                self.deleted_models = len(self._read)
            self.positions[str(uuid.uuid5(self._id, str(position)))] = len(self._read)
        assert self._lost() <= (self._read[-1] if self._read else last), "a change was trimmed before it was read"

    def documents(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Gives the twins and relationships as they are, by what `Row.key` says."""
        twins = self._database.execute("SELECT id, document FROM digital_twins").fetchall()
        edges = self._database.execute("SELECT source_id, id, document FROM relationships").fetchall()
        return {(twin_id, ""): json.loads(text) for twin_id, text in twins} | {
            (source, one): json.loads(text) for source, one, text in edges
        }


def _row(
    position: int,
    written_type: str,
    twin_id: str,
    subject: str,
    model_id: str,
    data: str,
    etag: str,
    previous_model_id: str,
    target_id: str,
    relationship_name: str,
    previous_target_id: str,
    previous_relationship_name: str,
    logged: int,
) -> Row:
    kind = _TYPES[written_type]
    patch = json.loads(data)["patch"] if kind.endswith("UPDATED") else []
    job = json.loads(data) if kind.startswith("JOB") else {}
    return Row(
        position=position,
        kind=kind,
        twin_id=twin_id,
        relationship_id=subject.partition(_BETWEEN)[2] if kind.startswith("RELATIONSHIP") else "",
        model_id=model_id,
        etag=etag,
        previous_model_id=previous_model_id,
        target_id=target_id,
        relationship_name=relationship_name,
        previous_target_id=previous_target_id,
        previous_relationship_name=previous_relationship_name,
        paths=tuple(operation["path"] for operation in patch),
        job_id=job.get("jobId", ""),
        is_of_delete_job=job.get("kind") == "delete",
        logged=logged,
    )
