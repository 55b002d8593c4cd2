-- Second looks: what was given up for want of a record is looked for again, seldom.

-- What is not there, where it is not the event's own record but its contact.
ALTER TABLE inbox ADD COLUMN missing TEXT;
-- When it was last looked for after it had been given up.
ALTER TABLE inbox ADD COLUMN looked_at INTEGER;
-- Hashes of the contact's parts as they were when the event's runs began, where the event is not the contact's own: what
-- somebody changed since is not written over.
ALTER TABLE inbox ADD COLUMN seen TEXT;

DROP INDEX inbox_missing;
CREATE INDEX inbox_missing ON inbox (location, coalesce(missing, record)) WHERE missing_since IS NOT NULL;
CREATE INDEX inbox_looks ON inbox (location, next_attempt_at) WHERE state = 'gone' AND next_attempt_at IS NOT NULL;

-- What was given up before is looked for as well.
UPDATE inbox SET next_attempt_at = updated_at WHERE state = 'gone' AND missing_since IS NOT NULL;

-- Steps that come late ask what their contact's other runs wrote.
CREATE INDEX runs_contact ON runs (location, contact) WHERE contact IS NOT NULL;
