-- Why nothing is bought at a location until a check finds all well: a restart must not forget it.
CREATE TABLE breakers (
    location  TEXT NOT NULL,
    cause     TEXT NOT NULL,
    reason    TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    PRIMARY KEY (location, cause)
) STRICT, WITHOUT ROWID;

-- 1: it waits for the breakers of its location to be closed.
ALTER TABLE runs ADD COLUMN stopped INTEGER NOT NULL DEFAULT 0;
CREATE INDEX runs_stopped ON runs (location) WHERE stopped = 1;
