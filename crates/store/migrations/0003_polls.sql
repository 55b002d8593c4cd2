-- What each poll last saw of each record, for lists that can only be compared as a whole.

CREATE TABLE poll_records (
    location TEXT NOT NULL,
    poll     TEXT NOT NULL,
    record   TEXT NOT NULL,
    -- The record whose list showed it, e.g. a note's contact; empty where the list belongs to the location.
    parent   TEXT NOT NULL,
    -- The record's own version, or the hash of its content.
    version  TEXT NOT NULL,
    -- Counts the changes, so that A to B to A are three.
    number   INTEGER NOT NULL CHECK (number > 0),
    -- Values of the members whose changes are kinds of their own.
    facets   TEXT NOT NULL,
    -- Readings in a row that did not show it.
    missing  INTEGER NOT NULL DEFAULT 0,
    epoch    INTEGER NOT NULL,
    seen_at  INTEGER NOT NULL,
    PRIMARY KEY (location, poll, record)
) STRICT, WITHOUT ROWID;

CREATE INDEX poll_records_parent ON poll_records (location, poll, parent);

-- Polls are called by their operation from now on.
UPDATE cursors SET name = 'search-contacts-advanced' WHERE name = 'contacts';
