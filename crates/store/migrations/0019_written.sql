-- Who wrote what last: a step of an older event never writes over what one of a newer event has written.

CREATE TABLE written (
    location   TEXT NOT NULL,
    -- What was written to, e.g. a path of HighLevel's API with its ids.
    target     TEXT NOT NULL,
    -- Which part of it: a member, a custom field, a tag; '*' for the whole.
    part       TEXT NOT NULL,
    contact    TEXT,
    -- Place of the event in the order of what is known, see inbox.position; then the run.
    position   INTEGER NOT NULL,
    run        INTEGER NOT NULL,
    epoch      INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (location, target, part)
) STRICT, WITHOUT ROWID;

CREATE INDEX written_contact ON written (location, contact) WHERE contact IS NOT NULL;
