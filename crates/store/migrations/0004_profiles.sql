-- Notes, tasks and tags of profiles, and what they were before. `run` is the run whose step wrote the row last; NULL: a
-- person did.

CREATE TABLE profile_notes (
    location     TEXT NOT NULL,
    id           TEXT NOT NULL,
    contact      TEXT NOT NULL,
    epoch        INTEGER NOT NULL,
    highlevel_id TEXT,
    body         TEXT NOT NULL,
    run          INTEGER,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (location, id)
) STRICT;

CREATE INDEX profile_notes_contact ON profile_notes (location, contact, created_at);

CREATE TABLE profile_tasks (
    location     TEXT NOT NULL,
    id           TEXT NOT NULL,
    contact      TEXT NOT NULL,
    epoch        INTEGER NOT NULL,
    highlevel_id TEXT,
    title        TEXT NOT NULL,
    progress     INTEGER NOT NULL CHECK (progress BETWEEN 0 AND 100),
    completed    INTEGER NOT NULL CHECK (completed IN (0, 1)),
    run          INTEGER,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (location, id)
) STRICT;

CREATE INDEX profile_tasks_contact ON profile_tasks (location, contact, created_at);

CREATE TABLE profile_tags (
    location TEXT NOT NULL,
    contact  TEXT NOT NULL,
    tag      TEXT NOT NULL,
    epoch    INTEGER NOT NULL,
    run      INTEGER,
    added_at INTEGER NOT NULL,
    PRIMARY KEY (location, contact, tag)
) STRICT;

-- What was written, each time.
CREATE TABLE profile_history (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    location TEXT NOT NULL,
    contact  TEXT NOT NULL,
    epoch    INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    record   TEXT NOT NULL,
    state    TEXT NOT NULL,
    run      INTEGER,
    at       INTEGER NOT NULL
) STRICT;

CREATE INDEX profile_history_contact ON profile_history (location, contact, seq);
