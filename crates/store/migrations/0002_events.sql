-- no-transaction
-- Events that our own steps and schedules make, that several polls found, or that wait for a person; alerts; and the
-- last content of records that carry no version of their own.
--
-- SQLite cannot widen a CHECK, so the inbox is built anew. Foreign keys are off meanwhile (runs refer to it), which no
-- transaction allows; the transaction is our own.

PRAGMA foreign_keys = OFF;
BEGIN IMMEDIATE;

CREATE TABLE inbox_next (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    location        TEXT NOT NULL,
    epoch           INTEGER NOT NULL,
    source          TEXT NOT NULL CHECK (source IN ('webhook', 'poll', 'manual', 'workflow', 'schedule')),
    kind            TEXT NOT NULL,
    contact         TEXT,
    record          TEXT NOT NULL,
    occurred_at     INTEGER NOT NULL,
    version         TEXT,
    delivery        TEXT,
    payload         TEXT NOT NULL,
    state           TEXT NOT NULL
        CHECK (state IN ('pending', 'held', 'started', 'echo', 'no_match', 'gone', 'duplicate')),
    -- Names of the polls that found it, a JSON list.
    found_by        TEXT NOT NULL DEFAULT '[]',
    -- The run whose step made it, and how many runs deep that is.
    cause           INTEGER,
    depth           INTEGER NOT NULL DEFAULT 0,
    -- A person has let it go on.
    approved        INTEGER NOT NULL DEFAULT 0 CHECK (approved IN (0, 1)),
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER,
    error           TEXT,
    received_at     INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;

INSERT INTO inbox_next (id, location, epoch, source, kind, contact, record, occurred_at, version, delivery, payload,
                        state, attempts, next_attempt_at, error, received_at, updated_at)
SELECT id, location, epoch, source, kind, contact, record, occurred_at, version, delivery, payload,
       state, attempts, next_attempt_at, error, received_at, updated_at
FROM inbox;

-- The numbers go on where they were, also when the newest rows are gone.
DELETE FROM sqlite_sequence WHERE name = 'inbox_next';
INSERT INTO sqlite_sequence (name, seq) SELECT 'inbox_next', seq FROM sqlite_sequence WHERE name = 'inbox';

DROP TABLE inbox;
ALTER TABLE inbox_next RENAME TO inbox;

CREATE UNIQUE INDEX inbox_change ON inbox (location, kind, record, version)
    WHERE version IS NOT NULL AND state <> 'duplicate';
CREATE UNIQUE INDEX inbox_delivery ON inbox (location, delivery)
    WHERE delivery IS NOT NULL AND version IS NULL AND state = 'pending';
CREATE INDEX inbox_pending ON inbox (location, id) WHERE state = 'pending';
CREATE INDEX inbox_postponed ON inbox (location, next_attempt_at)
    WHERE state = 'pending' AND next_attempt_at IS NOT NULL;
CREATE INDEX inbox_state ON inbox (state);
CREATE INDEX inbox_contact ON inbox (location, contact, id) WHERE contact IS NOT NULL;

-- The content that was last read of a record without a version, and the event that told it. `number` counts the
-- changes, so that A to B to A are three versions.
CREATE TABLE contents (
    location   TEXT NOT NULL,
    kind       TEXT NOT NULL,
    record     TEXT NOT NULL,
    hash       TEXT NOT NULL,
    number     INTEGER NOT NULL CHECK (number > 0),
    event      INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (location, kind, record)
) STRICT;

CREATE TABLE alerts (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    location    TEXT NOT NULL,
    kind        TEXT NOT NULL,
    subject     TEXT NOT NULL,
    message     TEXT NOT NULL,
    raised_at   INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    times       INTEGER NOT NULL DEFAULT 1 CHECK (times > 0),
    resolved_at INTEGER
) STRICT;

-- One open alert of a kind about a subject; a repeat counts up.
CREATE UNIQUE INDEX alerts_open ON alerts (location, kind, subject) WHERE resolved_at IS NULL;

CREATE INDEX runs_of_workflow ON runs (location, workflow, contact, created_at);

COMMIT;
PRAGMA foreign_keys = ON;
