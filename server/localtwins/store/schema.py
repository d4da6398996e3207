"""The database schema, as ordered migrations; `PRAGMA user_version` counts those applied."""

import sqlite3
from typing import Final

APPLICATION_ID: Final = 0x6C74776E
"""Tells our files from other SQLite files: "ltwn"."""

_INITIAL: Final = """
CREATE TABLE models (
    position INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order of upload, in which models are listed
    id TEXT NOT NULL UNIQUE,
    decommissioned INTEGER NOT NULL DEFAULT 0,
    data TEXT NOT NULL,                          -- JSON, what is answered without the definition
    definition TEXT NOT NULL                     -- JSON, as uploaded
) STRICT;

CREATE TABLE model_references (                  -- direct `extends` and component schemas
    referrer TEXT NOT NULL,
    referenced TEXT NOT NULL,
    PRIMARY KEY (referenced, referrer)
) STRICT, WITHOUT ROWID;
CREATE INDEX model_references_by_referrer ON model_references (referrer);

CREATE TABLE model_bases (                       -- every model with itself and all that it inherits from
    base TEXT NOT NULL,                          -- the DTMI without its version
    version INTEGER NOT NULL,                    -- of the base, as engine.model_versions counts
    model_id TEXT NOT NULL,
    PRIMARY KEY (base, version, model_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX model_bases_by_model ON model_bases (model_id);

CREATE TABLE digital_twins (
    id TEXT PRIMARY KEY NOT NULL,
    model_id TEXT NOT NULL,
    etag TEXT NOT NULL,
    document TEXT NOT NULL                       -- JSON, as GET answers it
) STRICT;
CREATE INDEX digital_twins_by_model ON digital_twins (model_id);

CREATE TABLE relationships (
    source_id TEXT NOT NULL,
    id TEXT NOT NULL,
    target_id TEXT NOT NULL,
    name TEXT NOT NULL,
    sort_key TEXT NOT NULL,                      -- the order of lists
    etag TEXT NOT NULL,
    document TEXT NOT NULL,                      -- JSON, as GET answers it
    PRIMARY KEY (source_id, id)
) STRICT;
CREATE INDEX relationships_outgoing ON relationships (source_id, sort_key, id, name, target_id);
CREATE INDEX relationships_incoming ON relationships (target_id, sort_key, id, source_id, name);

-- Counts for the service limits, so that no write has to count rows.
CREATE TABLE totals (
    kind TEXT PRIMARY KEY NOT NULL,
    count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO totals VALUES ('digital_twins', 0), ('relationships', 0);

CREATE TABLE relationship_counts (
    twin_id TEXT PRIMARY KEY NOT NULL,
    outgoing INTEGER NOT NULL,
    incoming INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER digital_twin_inserted AFTER INSERT ON digital_twins BEGIN
    UPDATE totals SET count = count + 1 WHERE kind = 'digital_twins';
END;
CREATE TRIGGER digital_twin_deleted AFTER DELETE ON digital_twins BEGIN
    UPDATE totals SET count = count - 1 WHERE kind = 'digital_twins';
    DELETE FROM relationship_counts WHERE twin_id = OLD.id;
END;
CREATE TRIGGER relationship_inserted AFTER INSERT ON relationships BEGIN
    UPDATE totals SET count = count + 1 WHERE kind = 'relationships';
    INSERT INTO relationship_counts VALUES (NEW.source_id, 1, 0)
        ON CONFLICT (twin_id) DO UPDATE SET outgoing = outgoing + 1;
    INSERT INTO relationship_counts VALUES (NEW.target_id, 0, 1)
        ON CONFLICT (twin_id) DO UPDATE SET incoming = incoming + 1;
END;
CREATE TRIGGER relationship_deleted AFTER DELETE ON relationships BEGIN
    UPDATE totals SET count = count - 1 WHERE kind = 'relationships';
    UPDATE relationship_counts SET outgoing = outgoing - 1 WHERE twin_id = OLD.source_id;
    UPDATE relationship_counts SET incoming = incoming - 1 WHERE twin_id = OLD.target_id;
END;
CREATE TRIGGER relationship_retargeted AFTER UPDATE OF target_id ON relationships
WHEN NEW.target_id <> OLD.target_id BEGIN
    UPDATE relationship_counts SET incoming = incoming - 1 WHERE twin_id = OLD.target_id;
    INSERT INTO relationship_counts VALUES (NEW.target_id, 0, 1)
        ON CONFLICT (twin_id) DO UPDATE SET incoming = incoming + 1;
END;
"""

_CHANGES_AND_EVENT_ROUTES: Final = """
CREATE TABLE changes (
    position INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice, even when all before are trimmed
    type TEXT NOT NULL,
    twin_id TEXT NOT NULL,                       -- changes of one twin are delivered in order
    subject TEXT NOT NULL,
    model_id TEXT NOT NULL,
    time TEXT NOT NULL,
    message_id TEXT,                             -- only telemetry has an id of its own
    data TEXT NOT NULL                           -- JSON
) STRICT;

CREATE TABLE event_routes (
    id TEXT PRIMARY KEY NOT NULL,
    endpoint_name TEXT NOT NULL,
    filter TEXT NOT NULL,
    position INTEGER NOT NULL                    -- the last change that is delivered
) STRICT, WITHOUT ROWID;

CREATE TABLE change_log (                        -- one row: what events of this database are named after
    id TEXT NOT NULL
) STRICT;
INSERT INTO change_log VALUES (lower(hex(randomblob(16))));
"""

_JOBS: Final = """
CREATE TABLE jobs (
    position INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order of creation, in which jobs are listed
    kind TEXT NOT NULL,                          -- import or delete
    id TEXT NOT NULL,
    finished INTEGER NOT NULL,
    purge_time INTEGER NOT NULL,                 -- when a finished job is forgotten, in ticks
    state TEXT NOT NULL,                         -- JSON
    UNIQUE (kind, id)
) STRICT;
CREATE UNIQUE INDEX one_unfinished_job ON jobs (finished) WHERE NOT finished;

CREATE TABLE job_log (                           -- lines of the running job that its output blob may not have yet
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    line TEXT NOT NULL
) STRICT;
"""

_CLOCK: Final = """
CREATE TABLE clock (                             -- one row: no change is older, even if the system's clock is set back
    latest INTEGER NOT NULL                      -- in ticks
) STRICT;
INSERT INTO clock VALUES (0);
"""

_EVENT_ROUTES_IN_ORDER: Final = """
ALTER TABLE event_routes RENAME TO event_routes_by_id;
CREATE TABLE event_routes (
    number INTEGER PRIMARY KEY AUTOINCREMENT,    -- the order of creation, in which event routes are listed
    id TEXT NOT NULL UNIQUE,
    endpoint_name TEXT NOT NULL,
    filter TEXT NOT NULL,
    position INTEGER NOT NULL                    -- the last change that is delivered
) STRICT;
INSERT INTO event_routes (id, endpoint_name, filter, position)
    SELECT id, endpoint_name, filter, position FROM event_routes_by_id ORDER BY id;
DROP TABLE event_routes_by_id;
"""

_CHANGES_FOR_FOLLOWERS: Final = """
ALTER TABLE changes ADD COLUMN etag TEXT NOT NULL DEFAULT '';
ALTER TABLE changes ADD COLUMN previous_model_id TEXT NOT NULL DEFAULT '';
ALTER TABLE changes ADD COLUMN target_id TEXT NOT NULL DEFAULT '';
ALTER TABLE changes ADD COLUMN relationship_name TEXT NOT NULL DEFAULT '';
ALTER TABLE changes ADD COLUMN previous_target_id TEXT NOT NULL DEFAULT '';
ALTER TABLE changes ADD COLUMN previous_relationship_name TEXT NOT NULL DEFAULT '';
ALTER TABLE changes ADD COLUMN traceparent TEXT NOT NULL DEFAULT '';
ALTER TABLE changes ADD COLUMN logged INTEGER NOT NULL DEFAULT 0;  -- in ticks, each later than the one before

-- What followers do not find in the log: all up to a position and a time. Until now it had not all that they need.
ALTER TABLE change_log ADD COLUMN lost_position INTEGER NOT NULL DEFAULT 0;
ALTER TABLE change_log ADD COLUMN lost_ticks INTEGER NOT NULL DEFAULT 0;
UPDATE change_log SET
    lost_position = coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'changes'), 0),
    lost_ticks = (SELECT latest FROM clock);

CREATE TABLE jobs_in_changes (                   -- those that the log has begun to tell of, and not ended
    kind TEXT NOT NULL,                          -- import or delete
    id TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
"""

_RUNS_OF_POSITIONS: Final = """
CREATE TABLE change_gaps (                       -- positions that no change has, between two processes
    last_position INTEGER PRIMARY KEY,           -- the last that the one before could give
    next_position INTEGER NOT NULL               -- the first that the other could
) STRICT;
"""

MIGRATIONS: Final = (
    _INITIAL,
    _CHANGES_AND_EVENT_ROUTES,
    _JOBS,
    _CLOCK,
    _EVENT_ROUTES_IN_ORDER,
    _CHANGES_FOR_FOLLOWERS,
    _RUNS_OF_POSITIONS,
)


def migrate(connection: sqlite3.Connection) -> bool:
    """Brings a database of any earlier version up to date, and tells whether there was none.

    Each migration is applied whole or not at all.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for number, migration in enumerate(MIGRATIONS[version:], start=version + 1):
        # executescript commits what is open first, so the transaction is the script's own
        connection.executescript(
            f"BEGIN IMMEDIATE; {migration} PRAGMA application_id = {APPLICATION_ID}; "
            f"PRAGMA user_version = {number}; COMMIT;"
        )
    return bool(version == 0)
