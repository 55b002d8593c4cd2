-- Records as a back-fill read them: the whole of a location, for the view and for exports.

CREATE TABLE records (
    location TEXT NOT NULL,
    -- `contact`, `note` or `task`.
    kind     TEXT NOT NULL,
    record   TEXT NOT NULL,
    contact  TEXT,
    payload  TEXT NOT NULL,
    -- When the record last changed, by itself; what is older never replaces what is newer.
    version  INTEGER,
    read_at  INTEGER NOT NULL,
    PRIMARY KEY (location, kind, record)
) STRICT;

CREATE INDEX records_contact ON records (location, contact, kind) WHERE contact IS NOT NULL;

-- How many calls of today a location has had.
CREATE INDEX calls_location ON calls (location, service, at);
