-- When the sender made an event: a webhook may be sent again up to 30 days later.
ALTER TABLE inbox ADD COLUMN made_at INTEGER;

-- What may be deleted after a while: deliveries that nobody can use, and events whose location is not known.
CREATE INDEX inbox_aside ON inbox (id) WHERE location = 'unknown';
CREATE INDEX inbox_useless ON inbox (id) WHERE kind >= 'webhook.' AND kind < 'webhook/';

-- Deliveries that say which they are (HighLevel's `webhookId`, a sender's own key), so that one that comes again is known
-- although what it told was read long ago. `key` is a hash.
CREATE TABLE deliveries (
    key      TEXT PRIMARY KEY,
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    times    INTEGER NOT NULL DEFAULT 1 CHECK (times > 0),
    until    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX deliveries_until ON deliveries (until);
