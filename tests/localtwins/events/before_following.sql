-- A data folder as a version before the log could be followed has left it (schema 5).
BEGIN TRANSACTION;
CREATE TABLE change_log (                        -- one row: what events of this database are named after
    id TEXT NOT NULL
) STRICT;
INSERT INTO "change_log" VALUES('a6b08dc97d2e9981aa145d72f9f06932');
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
INSERT INTO "changes" VALUES(1,'Microsoft.DigitalTwins.Twin.Create','room','room','dtmi:test:Room;1','2026-11-30T07:47:55.7153169Z',NULL,'{"$dtId":"room","$etag":"W/\"aa66327e-e160-4bf9-a21b-9604f524e86d\"","temperature":20.5,"$metadata":{"$model":"dtmi:test:Room;1","$lastUpdateTime":"2026-11-30T07:47:55.7153169Z","temperature":{"lastUpdateTime":"2026-11-30T07:47:55.7153169Z"}}}');
INSERT INTO "changes" VALUES(2,'Microsoft.DigitalTwins.Twin.Create','hall','hall','dtmi:test:Room;1','2026-11-30T07:47:55.7184481Z',NULL,'{"$dtId":"hall","$etag":"W/\"7f140dc9-4e03-4c9b-9796-a02cc0b16f1b\"","temperature":20.5,"$metadata":{"$model":"dtmi:test:Room;1","$lastUpdateTime":"2026-11-30T07:47:55.7184481Z","temperature":{"lastUpdateTime":"2026-11-30T07:47:55.7184481Z"}}}');
INSERT INTO "changes" VALUES(3,'Microsoft.DigitalTwins.Twin.Create','machine','machine','dtmi:test:Machine;1','2026-11-30T07:47:55.7201800Z',NULL,'{"$dtId":"machine","$etag":"W/\"e6be64f4-6d04-4016-b452-480c27a40198\"","$metadata":{"$model":"dtmi:test:Machine;1","$lastUpdateTime":"2026-11-30T07:47:55.7201800Z"}}');
INSERT INTO "changes" VALUES(4,'Microsoft.DigitalTwins.Relationship.Create','room','room/relationships/r','dtmi:test:Room;1','2026-11-30T07:47:55.7211629Z',NULL,'{"$relationshipId":"r","$etag":"W/\"5ee6d388-b803-494a-9f7c-f3d3070d9d37\"","$sourceId":"room","$relationshipName":"servedBy","$targetId":"machine"}');
INSERT INTO "changes" VALUES(5,'Microsoft.DigitalTwins.Twin.Update','room','room','dtmi:test:Room;1','2026-11-30T07:47:55.7231269Z',NULL,'{"modelId":"dtmi:test:Room;1","patch":[{"value":21,"path":"/temperature","op":"replace"}]}');
INSERT INTO "changes" VALUES(6,'microsoft.iot.telemetry','room','','dtmi:test:Room;1','2026-11-30T07:47:55.7236610Z','m1','{"noise":1}');
INSERT INTO "changes" VALUES(7,'Microsoft.DigitalTwins.Twin.Delete','hall','hall','dtmi:test:Room;1','2026-11-30T07:47:55.7271290Z',NULL,'{"$dtId":"hall","$etag":"W/\"7f140dc9-4e03-4c9b-9796-a02cc0b16f1b\"","temperature":20.5,"$metadata":{"$model":"dtmi:test:Room;1","$lastUpdateTime":"2026-11-30T07:47:55.7184481Z","temperature":{"lastUpdateTime":"2026-11-30T07:47:55.7184481Z"}}}');
CREATE TABLE clock (                             -- one row: no change is older, even if the system's clock is set back
    latest INTEGER NOT NULL                      -- in ticks
) STRICT;
INSERT INTO "clock" VALUES(17960248757271290);
CREATE TABLE digital_twins (
    id TEXT PRIMARY KEY NOT NULL,
    model_id TEXT NOT NULL,
    etag TEXT NOT NULL,
    document TEXT NOT NULL                       -- JSON, as GET answers it
) STRICT;
INSERT INTO "digital_twins" VALUES('room','dtmi:test:Room;1','W/"8541bf9c-d2bd-49e2-b43b-ca48f097b17d"','{"$dtId":"room","$etag":"W/\"8541bf9c-d2bd-49e2-b43b-ca48f097b17d\"","temperature":21,"$metadata":{"$model":"dtmi:test:Room;1","$lastUpdateTime":"2026-11-30T07:47:55.7231269Z","temperature":{"lastUpdateTime":"2026-11-30T07:47:55.7231269Z"}}}');
INSERT INTO "digital_twins" VALUES('machine','dtmi:test:Machine;1','W/"e6be64f4-6d04-4016-b452-480c27a40198"','{"$dtId":"machine","$etag":"W/\"e6be64f4-6d04-4016-b452-480c27a40198\"","$metadata":{"$model":"dtmi:test:Machine;1","$lastUpdateTime":"2026-11-30T07:47:55.7201800Z"}}');
CREATE TABLE event_routes (
    number INTEGER PRIMARY KEY AUTOINCREMENT,    -- the order of creation, in which event routes are listed
    id TEXT NOT NULL UNIQUE,
    endpoint_name TEXT NOT NULL,
    filter TEXT NOT NULL,
    position INTEGER NOT NULL                    -- the last change that is delivered
) STRICT;
INSERT INTO "event_routes" VALUES(1,'route','elsewhere','true',0);
CREATE TABLE job_log (                           -- lines of the running job that its output blob may not have yet
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    line TEXT NOT NULL
) STRICT;
CREATE TABLE jobs (
    position INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order of creation, in which jobs are listed
    kind TEXT NOT NULL,                          -- import or delete
    id TEXT NOT NULL,
    finished INTEGER NOT NULL,
    purge_time INTEGER NOT NULL,                 -- when a finished job is forgotten, in ticks
    state TEXT NOT NULL,                         -- JSON
    UNIQUE (kind, id)
) STRICT;
CREATE TABLE model_bases (                       -- every model with itself and all that it inherits from
    base TEXT NOT NULL,                          -- the DTMI without its version
    version INTEGER NOT NULL,                    -- of the base, as engine.model_versions counts
    model_id TEXT NOT NULL,
    PRIMARY KEY (base, version, model_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "model_bases" VALUES('dtmi:test:Machine',1000000,'dtmi:test:Machine;1');
INSERT INTO "model_bases" VALUES('dtmi:test:Room',1000000,'dtmi:test:Room;1');
CREATE TABLE model_references (                  -- direct `extends` and component schemas
    referrer TEXT NOT NULL,
    referenced TEXT NOT NULL,
    PRIMARY KEY (referenced, referrer)
) STRICT, WITHOUT ROWID;
CREATE TABLE models (
    position INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order of upload, in which models are listed
    id TEXT NOT NULL UNIQUE,
    decommissioned INTEGER NOT NULL DEFAULT 0,
    data TEXT NOT NULL,                          -- JSON, what is answered without the definition
    definition TEXT NOT NULL                     -- JSON, as uploaded
) STRICT;
INSERT INTO "models" VALUES(1,'dtmi:test:Machine;1',0,'{"id":"dtmi:test:Machine;1","description":{},"displayName":{},"decommissioned":false,"uploadTime":"2026-11-30T07:47:55.7126683+00:00"}','{"@id":"dtmi:test:Machine;1","@type":"Interface","@context":"dtmi:dtdl:context;3","contents":[{"@type":"Property","name":"power","schema":"double"}]}');
INSERT INTO "models" VALUES(2,'dtmi:test:Room;1',0,'{"id":"dtmi:test:Room;1","description":{},"displayName":{},"decommissioned":false,"uploadTime":"2026-11-30T07:47:55.7128407+00:00"}','{"@id":"dtmi:test:Room;1","@type":"Interface","@context":"dtmi:dtdl:context;3","contents":[{"@type":"Property","name":"temperature","schema":"double"},{"@type":"Relationship","name":"servedBy","target":"dtmi:test:Machine;1"}]}');
CREATE TABLE relationship_counts (
    twin_id TEXT PRIMARY KEY NOT NULL,
    outgoing INTEGER NOT NULL,
    incoming INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "relationship_counts" VALUES('machine',0,1);
INSERT INTO "relationship_counts" VALUES('room',1,0);
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
INSERT INTO "relationships" VALUES('room','r','machine','servedBy','r','W/"5ee6d388-b803-494a-9f7c-f3d3070d9d37"','{"$relationshipId":"r","$etag":"W/\"5ee6d388-b803-494a-9f7c-f3d3070d9d37\"","$sourceId":"room","$relationshipName":"servedBy","$targetId":"machine"}');
CREATE TABLE totals (
    kind TEXT PRIMARY KEY NOT NULL,
    count INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "totals" VALUES('digital_twins',2);
INSERT INTO "totals" VALUES('relationships',1);
CREATE INDEX model_references_by_referrer ON model_references (referrer);
CREATE INDEX model_bases_by_model ON model_bases (model_id);
CREATE INDEX digital_twins_by_model ON digital_twins (model_id);
CREATE INDEX relationships_outgoing ON relationships (source_id, sort_key, id, name, target_id);
CREATE INDEX relationships_incoming ON relationships (target_id, sort_key, id, source_id, name);
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
CREATE UNIQUE INDEX one_unfinished_job ON jobs (finished) WHERE NOT finished;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('event_routes',1);
INSERT INTO "sqlite_sequence" VALUES('models',2);
INSERT INTO "sqlite_sequence" VALUES('changes',7);
COMMIT;
PRAGMA user_version = 5;
PRAGMA application_id = 1819572078;
