-- What webhooks have told. A webhook that repeats what the inbox has leaves no row of its own, so that it came is noted
-- here: an event that a poll stored and that no webhook ever told was missed by the webhooks.
CREATE TABLE webhook_seen (
    event INTEGER PRIMARY KEY,
    at    INTEGER NOT NULL
) STRICT;

CREATE INDEX inbox_by_webhook ON inbox (location, kind, record, received_at) WHERE source = 'webhook';
CREATE INDEX inbox_by_poll ON inbox (received_at) WHERE source = 'poll';
