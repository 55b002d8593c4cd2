-- Times are microseconds since 1970 (UTC). Money and quantities are whole millionths, so that SUM is exact.
-- JSON is text. `epoch` is the lease's epoch of the last fenced write to the row; 0: written without a lease.

-- "Canp": tells our files from other programs' SQLite files.
PRAGMA application_id = 1130458736;

CREATE TABLE canary (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    nonce      BLOB NOT NULL,
    ciphertext BLOB NOT NULL
) STRICT;

CREATE TABLE secrets (
    name       TEXT PRIMARY KEY,
    nonce      BLOB NOT NULL,
    ciphertext BLOB NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE locations (
    location      TEXT PRIMARY KEY,
    connection    TEXT NOT NULL,
    registered_at INTEGER NOT NULL
) STRICT;

-- A row is never deleted: the epoch only ever grows. A released lease has no owner.
CREATE TABLE leases (
    location   TEXT PRIMARY KEY,
    owner      TEXT,
    epoch      INTEGER NOT NULL CHECK (epoch > 0),
    expires_at INTEGER NOT NULL
) STRICT;

-- AUTOINCREMENT: numbers are never used twice, so that they can stand for the order of arrival.
CREATE TABLE inbox (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    location        TEXT NOT NULL,
    epoch           INTEGER NOT NULL,
    source          TEXT NOT NULL CHECK (source IN ('webhook', 'poll', 'manual')),
    kind            TEXT NOT NULL,
    contact         TEXT,
    record          TEXT NOT NULL,
    occurred_at     INTEGER NOT NULL,
    version         TEXT,
    delivery        TEXT,
    payload         TEXT NOT NULL,
    state           TEXT NOT NULL CHECK (state IN ('pending', 'started', 'echo', 'no_match', 'gone', 'duplicate')),
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER,
    error           TEXT,
    received_at     INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;

-- One change is one event, whichever way it reached us.
CREATE UNIQUE INDEX inbox_change ON inbox (location, kind, record, version)
    WHERE version IS NOT NULL AND state <> 'duplicate';
-- A repeated delivery is a duplicate only until the first one has been read: later it may speak of a new change.
CREATE UNIQUE INDEX inbox_delivery ON inbox (location, delivery)
    WHERE delivery IS NOT NULL AND version IS NULL AND state = 'pending';
CREATE INDEX inbox_pending ON inbox (location, id) WHERE state = 'pending';
CREATE INDEX inbox_postponed ON inbox (location, next_attempt_at)
    WHERE state = 'pending' AND next_attempt_at IS NOT NULL;
CREATE INDEX inbox_state ON inbox (state);

CREATE TABLE cursors (
    location   TEXT NOT NULL,
    name       TEXT NOT NULL,
    epoch      INTEGER NOT NULL,
    state      TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (location, name)
) STRICT;

-- Each text of a workflow file once, however many runs began with it.
CREATE TABLE definitions (
    id     INTEGER PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    text   TEXT NOT NULL
) STRICT;

CREATE TABLE runs (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    event           INTEGER NOT NULL REFERENCES inbox (id),
    workflow        TEXT NOT NULL,
    location        TEXT NOT NULL,
    epoch           INTEGER NOT NULL,
    contact         TEXT,
    definition      INTEGER NOT NULL REFERENCES definitions (id),
    state           TEXT NOT NULL CHECK (state IN ('ready', 'waiting', 'held', 'done', 'dead')),
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER,
    error           TEXT,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    UNIQUE (event, workflow)
) STRICT;

CREATE INDEX runs_active ON runs (location, event, id) WHERE state IN ('ready', 'waiting');
CREATE INDEX runs_waiting ON runs (location, next_attempt_at) WHERE state = 'waiting';
CREATE INDEX runs_state ON runs (state, id);

CREATE TABLE steps (
    id         INTEGER PRIMARY KEY,
    run        INTEGER NOT NULL REFERENCES runs (id),
    step       TEXT NOT NULL,
    location   TEXT NOT NULL,
    epoch      INTEGER NOT NULL,
    key        TEXT NOT NULL,
    action     TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('intended', 'unsure', 'done', 'skipped', 'failed')),
    request    TEXT NOT NULL,
    output     TEXT,
    error      TEXT,
    attempts   INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    UNIQUE (run, step)
) STRICT;

CREATE INDEX steps_key ON steps (location, key);

-- The present state of each purchase: what its newest ledger entry says.
CREATE TABLE purchases (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    key        TEXT NOT NULL UNIQUE,
    location   TEXT NOT NULL,
    epoch      INTEGER NOT NULL,
    connection TEXT NOT NULL,
    contact    TEXT,
    workflow   TEXT NOT NULL,
    step       TEXT NOT NULL,
    run        INTEGER NOT NULL REFERENCES runs (id),
    operation  TEXT NOT NULL,
    request    TEXT NOT NULL,
    quantity   INTEGER NOT NULL CHECK (quantity >= 0),
    unit       TEXT NOT NULL,
    test       INTEGER NOT NULL CHECK (test IN (0, 1)),
    estimate   INTEGER NOT NULL CHECK (estimate >= 0),
    currency   TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('intended', 'sent', 'confirmed', 'refused', 'unknown')),
    amount     INTEGER,
    url        TEXT,
    response   TEXT,
    error      TEXT,
    created_at INTEGER NOT NULL,
    -- When the present attempt was intended: the period whose caps it counts against.
    counted_at INTEGER NOT NULL,
    sent_at    INTEGER,
    updated_at INTEGER NOT NULL,
    CHECK ((state = 'confirmed') = (amount IS NOT NULL))
) STRICT;

CREATE INDEX purchases_contact ON purchases (location, contact, state);
CREATE INDEX purchases_state ON purchases (state);
CREATE INDEX purchases_spent ON purchases (connection, counted_at, amount, estimate)
    WHERE test = 0 AND state <> 'refused';

CREATE TRIGGER purchases_are_kept BEFORE DELETE ON purchases
BEGIN
    SELECT RAISE(ABORT, 'purchases are never deleted');
END;

CREATE TABLE ledger (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    key      TEXT NOT NULL REFERENCES purchases (key),
    location TEXT NOT NULL,
    epoch    INTEGER NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('intended', 'sent', 'confirmed', 'refused', 'unknown')),
    at       INTEGER NOT NULL,
    amount   INTEGER,
    currency TEXT,
    detail   TEXT
) STRICT;

CREATE INDEX ledger_key ON ledger (key, seq);
-- Whatever the program does, the book takes one confirmation of a key.
CREATE UNIQUE INDEX ledger_confirmed_once ON ledger (key) WHERE state = 'confirmed';

CREATE TRIGGER ledger_is_not_rewritten BEFORE UPDATE ON ledger
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;

CREATE TRIGGER ledger_is_kept BEFORE DELETE ON ledger
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;

CREATE TABLE profiles (
    location   TEXT NOT NULL,
    contact    TEXT NOT NULL,
    id         TEXT NOT NULL,
    epoch      INTEGER NOT NULL,
    fields     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (location, contact)
) STRICT;

CREATE TABLE links (
    location     TEXT NOT NULL,
    kind         TEXT NOT NULL,
    highlevel_id TEXT NOT NULL,
    ecologi_id   TEXT NOT NULL,
    epoch        INTEGER NOT NULL,
    written_hash TEXT,
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (location, kind, highlevel_id)
) STRICT;

CREATE TABLE calls (
    id         INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    service    TEXT NOT NULL,
    location   TEXT NOT NULL,
    operation  TEXT NOT NULL,
    method     TEXT NOT NULL,
    status     INTEGER,
    elapsed_ms INTEGER NOT NULL,
    attempt    INTEGER NOT NULL,
    trace_id   TEXT,
    error      TEXT
) STRICT;

CREATE INDEX calls_at ON calls (at);
