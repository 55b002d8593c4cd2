-- Purchases that wait for a cap or for a person, in order. A row goes when its purchase is intended. `gate` names what it
-- waits for; a freed one may go, and what it will cost is reserved for it.
CREATE TABLE waiting (
    place      INTEGER PRIMARY KEY AUTOINCREMENT,
    slot       TEXT NOT NULL UNIQUE,
    location   TEXT NOT NULL,
    epoch      INTEGER NOT NULL,
    run        INTEGER NOT NULL REFERENCES runs (id),
    connection TEXT NOT NULL,
    contact    TEXT,
    workflow   TEXT NOT NULL,
    operation  TEXT NOT NULL,
    quantity   INTEGER NOT NULL,
    unit       TEXT NOT NULL,
    estimate   INTEGER NOT NULL,
    currency   TEXT NOT NULL,
    gate       TEXT NOT NULL,
    freed      INTEGER NOT NULL DEFAULT 0 CHECK (freed IN (0, 1)),
    since      INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX waiting_gate ON waiting (location, gate, place);

-- What was learned and must not be forgotten: by name, as JSON.
CREATE TABLE facts (
    name       TEXT PRIMARY KEY,
    value      TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- The last answer of a connection's account tells what things cost.
CREATE INDEX purchases_answers ON purchases (connection, updated_at) WHERE test = 0 AND state = 'confirmed';
