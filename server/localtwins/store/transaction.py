"""The one door for changes: all that a write operation can read and change inside the transaction it runs in."""

import sqlite3
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final

from localtwins import dtdl, errors
from localtwins.engine.clock import TICKS_PER_SECOND, Clock
from localtwins.engine.model_versions import name_and_version
from localtwins.engine.relationship import sort_key
from localtwins.store.change import Notification
from localtwins.store.change_appending import ChangeAppender, Retention
from localtwins.store.interfaces import MOST_BYTES_FOR_A_WRITE, Interfaces, Loaded, ModelsNotLoadedError, Needed
from localtwins.store.reader import Reader

_MODELS_SEEN: Final = 4_096
_CLOCK_AHEAD: Final = TICKS_PER_SECOND // 10


@dataclass(slots=True)  # not frozen, which takes longer to make: each write asks for one
class Model:
    """A stored model."""

    interface: "dtdl.Interface"
    decommissioned: bool


class Transaction(Reader):
    """Lives on the writer thread; its changes are visible to itself at once and to others after the commit.

    Args:
        connection: has an open transaction whenever an operation runs.
        clock: gives the times of changes.
        retention: what the log of changes keeps.
        interfaces: remember those of the stored models.
        is_new: the database is no older than this process.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        clock: Clock,
        retention: Retention | None = None,
        interfaces: Interfaces | None = None,
        *,
        is_new: bool = True,
    ) -> None:
        super().__init__(connection, nullcontext())
        self._clock = clock
        self._interfaces = interfaces or Interfaces()
        self._needed = Needed()
        # Models of the group of writes under way, whose interfaces are remembered although they may be taken back.
        self._created: list[str] = []
        self._changes = ChangeAppender(connection, clock, retention or Retention(), is_new=is_new)
        self._traceparent = ""
        self._clock_stored = 0  # how far, at the least; 0 for not known
        # Only this object changes models and totals, so what it has seen of them need not be looked up again.
        self._models: dict[str, tuple[int, int]] = {}  # the positions, and whether they are decommissioned
        self._at_most: dict[str, int] = {}  # the totals when they were looked up, and all puts since then

    def now(self) -> int:
        """Gives the time of this change in ticks, later than all before."""
        return self._clock.now()

    @property
    def newest_change(self) -> int:
        """Gives the position of the newest change that is committed."""
        return self._changes.newest

    def complete(self) -> None:
        """Stores how far the clock comes, for the next run: the system's clock may be set back.

        It is stored a little ahead, or each commit would have one more page to write. Who starts again sooner than that
        begins with times so much ahead.
        """
        self._changes.complete()
        if self._clock.latest > self._clock_stored:
            ahead = self._clock.latest + _CLOCK_AHEAD
            self._connection.execute("UPDATE clock SET latest = ?1 WHERE latest < ?1", (ahead,))
            self._clock_stored = ahead

    def try_storage(self, size: int) -> None:
        """Stores that many bytes that nobody reads, until `end_trial`."""
        self._connection.execute("CREATE TABLE storage_trial (content BLOB)")
        self._connection.execute("INSERT INTO storage_trial VALUES (zeroblob(?))", (size,))

    def end_trial(self) -> None:
        """Takes away what `try_storage` stored, now or before the process was last ended."""
        self._connection.execute("DROP TABLE IF EXISTS storage_trial")

    def bring(self, needed: Needed, traceparent: str = "") -> None:
        """Lets the next write use interfaces that were loaded for it, and log its trace context."""
        self._needed = needed
        self._traceparent = traceparent

    def rolled_back(self) -> None:
        """Forgets the interfaces of models that may not be stored after all: another may come to their place."""
        for model_id in self._created:
            self._interfaces.forget(model_id)
        self._created.clear()
        self._models.clear()
        self._needed = Needed()
        self._clock_stored = 0
        self._changes.rolled_back()

    def committed(self) -> None:
        """Takes note that the group of writes is stored."""
        self._created.clear()
        self._needed = Needed()
        self._changes.committed()

    def parsed_model(self, model_id: str) -> Model | None:
        """Gives a model with its interface, or None.

        Nothing is parsed here, where all other writes wait.

        Raises:
            ModelsNotLoadedError: the interface has to be loaded first.
            AdtError: LimitExceeded if so much was loaded for this write that it cannot have one more.
        """
        row = self._models.get(model_id)
        if row is None:
            row = self._row("SELECT position, decommissioned FROM models WHERE id = ?", (model_id,))
            if row is None:
                return None
            if len(self._models) >= _MODELS_SEEN:
                self._models.clear()
            self._models[model_id] = row
        position, decommissioned = row
        interface = self._interfaces.get(model_id, position) or self._needed.get(model_id, position)
        if interface is None:
            if self._needed.bytes_left <= 0:
                raise errors.limit_exceeded(f"The models needed have more than {MOST_BYTES_FOR_A_WRITE} bytes.")
            raise ModelsNotLoadedError([model_id])
        return Model(interface, bool(decommissioned))

    def insert_model(self, interface: "dtdl.Interface", data: bytes, definition: bytes) -> None:
        """Stores a new model."""
        model_id = interface.id
        position = self._connection.execute(
            "INSERT INTO models (id, data, definition) VALUES (?, ?, ?)", (model_id, data.decode(), definition.decode())
        ).lastrowid
        self._created.append(model_id)
        self._interfaces.remember(Loaded(interface, position or 0), len(definition))
        self._connection.executemany(
            "INSERT INTO model_references (referrer, referenced) VALUES (?, ?)",
            [(model_id, referenced) for referenced in sorted(interface.dependencies)],
        )
        self._connection.executemany(
            "INSERT INTO model_bases (base, version, model_id) VALUES (?, ?, ?)",
            [(*name_and_version(base), model_id) for base in interface.bases],
        )

    def decommission_model(self, model_id: str, data: bytes) -> None:
        """Marks a model as decommissioned, in its data too."""
        self._models.pop(model_id, None)
        self._connection.execute(
            "UPDATE models SET decommissioned = 1, data = ? WHERE id = ?", (data.decode(), model_id)
        )

    def delete_model(self, model_id: str) -> None:
        """Removes a model."""
        self._models.pop(model_id, None)
        self._connection.execute("DELETE FROM models WHERE id = ?", (model_id,))
        self._connection.execute("DELETE FROM model_references WHERE referrer = ?", (model_id,))
        self._connection.execute("DELETE FROM model_bases WHERE model_id = ?", (model_id,))

    def has_room(self, kind: str, limit: int) -> bool:
        """Tells whether there are fewer `digital_twins` or `relationships` than the limit."""
        if self._at_most.get(kind, limit) >= limit:
            self._at_most[kind] = self.total(kind)
        return self._at_most[kind] < limit

    def _count(self, kind: str) -> None:
        if kind in self._at_most:
            self._at_most[kind] += 1

    def put_digital_twin(self, twin_id: str, model_id: str, etag: str, document: bytes) -> None:
        """Stores a new twin or a new version."""
        self._count("digital_twins")
        self._connection.execute(
            "INSERT INTO digital_twins (id, model_id, etag, document) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET"
            " model_id = excluded.model_id, etag = excluded.etag, document = excluded.document",
            (twin_id, model_id, etag, document.decode()),
        )

    def update_digital_twin(self, twin_id: str, etag: str, document: bytes) -> None:
        """Stores a new version of the same model, for half of what it takes to touch the index of models too."""
        self._connection.execute(
            "UPDATE digital_twins SET etag = ?, document = ? WHERE id = ?", (etag, document.decode(), twin_id)
        )

    def delete_digital_twin(self, twin_id: str) -> None:
        """Removes a twin."""
        self._connection.execute("DELETE FROM digital_twins WHERE id = ?", (twin_id,))

    def put_relationship(
        self, source_id: str, relationship_id: str, *, target_id: str, name: str, etag: str, document: bytes
    ) -> None:
        """Stores a new relationship or a new version."""
        self._count("relationships")
        self._connection.execute(
            "INSERT INTO relationships (source_id, id, target_id, name, sort_key, etag, document)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source_id, id) DO UPDATE SET"
            " target_id = excluded.target_id, name = excluded.name, etag = excluded.etag, document = excluded.document",
            (source_id, relationship_id, target_id, name, sort_key(relationship_id), etag, document.decode()),
        )

    def update_relationship(self, source_id: str, relationship_id: str, *, etag: str, document: bytes) -> None:
        """Stores a new version with the same name and target, which are what indexes have."""
        self._connection.execute(
            "UPDATE relationships SET etag = ?, document = ? WHERE source_id = ? AND id = ?",
            (etag, document.decode(), source_id, relationship_id),
        )

    def delete_relationship(self, source_id: str, relationship_id: str) -> None:
        """Removes a relationship."""
        self._connection.execute(
            "DELETE FROM relationships WHERE source_id = ? AND id = ?", (source_id, relationship_id)
        )

    def begin_changes(self) -> None:
        """Begins the positions of this process in the log of changes, unless it has."""
        self._changes.begin()

    def append_change(self, notification: Notification) -> None:
        """Appends to the change log."""
        self._changes.append(notification, self._traceparent)

    def begin_job_in_changes(self, kind: str, job_id: str) -> None:
        """Takes note that the log tells of a job's writes, and has to tell of its end."""
        self._connection.execute("INSERT OR IGNORE INTO jobs_in_changes VALUES (?, ?)", (kind, job_id))

    def end_job_in_changes(self, kind: str, job_id: str) -> bool:
        """Tells whether the log has to tell of a job's end, which it need not do again."""
        ended = self._connection.execute("DELETE FROM jobs_in_changes WHERE kind = ? AND id = ?", (kind, job_id))
        return ended.rowcount > 0

    def put_event_route(self, route_id: str, endpoint_name: str, filter_text: str) -> None:
        """Stores a new event route, which begins with the next change, or a new version, which goes on where it is."""
        self._connection.execute(
            "INSERT INTO event_routes (id, endpoint_name, filter, position) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET endpoint_name = excluded.endpoint_name, filter = excluded.filter",
            (route_id, endpoint_name, filter_text, self.last_position()),
        )

    def advance_event_route(self, route_id: str, position: int) -> None:
        """Stores how far an event route has delivered; never goes back."""
        self._connection.execute(
            "UPDATE event_routes SET position = ? WHERE id = ? AND position < ?", (position, route_id, position)
        )

    def delete_event_route(self, route_id: str) -> None:
        """Removes an event route."""
        self._connection.execute("DELETE FROM event_routes WHERE id = ?", (route_id,))

    def insert_job(self, kind: str, job_id: str, *, purge_time: int, state: bytes) -> None:
        """Stores a new job; there must be no other that is not finished."""
        self._connection.execute(
            "INSERT INTO jobs (kind, id, finished, purge_time, state) VALUES (?, ?, 0, ?, ?)",
            (kind, job_id, purge_time, state.decode()),
        )

    def update_job(self, kind: str, job_id: str, *, finished: bool, state: bytes) -> None:
        """Stores the new state of a job."""
        self._connection.execute(
            "UPDATE jobs SET finished = ?, state = ? WHERE kind = ? AND id = ?",
            (finished, state.decode(), kind, job_id),
        )

    def delete_job(self, kind: str, job_id: str) -> None:
        """Removes a job."""
        self._connection.execute("DELETE FROM jobs WHERE kind = ? AND id = ?", (kind, job_id))

    def purge_jobs(self, now: int) -> None:
        """Removes the finished jobs whose time is over."""
        self._connection.execute("DELETE FROM jobs WHERE finished AND purge_time <= ?", (now,))

    def append_job_log(self, lines: Iterable[bytes]) -> None:
        """Keeps lines for the log of the running job until `trim_job_log`."""
        self._connection.executemany("INSERT INTO job_log (line) VALUES (?)", [(line.decode(),) for line in lines])

    def trim_job_log(self, position: int | None = None) -> None:
        """Forgets the lines up to a position, or all."""
        self._connection.execute("DELETE FROM job_log WHERE ?1 IS NULL OR position <= ?1", (position,))

    def delete_some_relationships(self, limit: int) -> int:
        """Removes relationships, at most `limit`, and counts them."""
        return self._delete_some("relationships", limit)

    def delete_some_digital_twins(self, limit: int) -> int:
        """Removes twins, at most `limit`, and counts them. None may have relationships."""
        return self._delete_some("digital_twins", limit)

    def delete_some_models(self, limit: int) -> int:
        """Removes models, at most `limit`, and counts them."""
        rows = self._rows("SELECT id FROM models LIMIT ?", (limit,))
        for (model_id,) in rows:
            self.delete_model(model_id.decode())
        return len(rows)

    def _delete_some(self, table: str, limit: int) -> int:
        return self._connection.execute(
            f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} LIMIT ?)",  # noqa: S608  (ours)
            (limit,),
        ).rowcount
