-- Patience: how long a record has been missing before its event is gone, since when a run has failed, and in which order
-- the states were read that events stand for.

-- The first of the answers in a row that said that the record is not there.
ALTER TABLE inbox ADD COLUMN missing_since INTEGER;
-- Grows with each arrival and each completing read at the location: of two states the one with the higher number is newer.
ALTER TABLE inbox ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
UPDATE inbox SET position = id;
CREATE INDEX inbox_position ON inbox (location, position);
CREATE INDEX inbox_missing ON inbox (location, record) WHERE missing_since IS NOT NULL;

-- The first of the failures in a row: a run is given up by the time that has passed since, not by a count alone.
ALTER TABLE runs ADD COLUMN failing_since INTEGER;
-- The first of the answers in a row that said that its contact is not there.
ALTER TABLE runs ADD COLUMN missing_since INTEGER;
UPDATE runs SET failing_since = updated_at WHERE state = 'waiting' AND attempts > 0;

-- The content of a contact that its newest event showed: what a write finds beside it has not been told yet.
CREATE TABLE seen_contents (
    location   TEXT NOT NULL,
    record     TEXT NOT NULL,
    hash       TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (location, record)
) STRICT, WITHOUT ROWID;
