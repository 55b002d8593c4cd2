-- How each part of the program fares: the newest word on every poll, address, token, key, limit, on the store, the drain,
-- the timetables and the clock. Alerts about them follow from here.
CREATE TABLE health (
    location      TEXT NOT NULL,
    part          TEXT NOT NULL,
    name          TEXT NOT NULL,
    -- One of the two is there.
    good_since    INTEGER,
    failing_since INTEGER,
    last_success  INTEGER,
    next_try      INTEGER,
    -- In a row.
    failures      INTEGER NOT NULL DEFAULT 0,
    -- A person is told.
    alerting      INTEGER NOT NULL DEFAULT 0,
    cause         TEXT,
    remedy        TEXT,
    updated_at    INTEGER NOT NULL,
    PRIMARY KEY (location, part, name)
) STRICT, WITHOUT ROWID;
