-- What the file beside the store names as written last: a store that lacks it is an older copy.
CREATE TABLE marks (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    mark TEXT NOT NULL UNIQUE
) STRICT;

-- What waits to be bought goes in the order in which things happened, over all locations.
ALTER TABLE waiting ADD COLUMN happened INTEGER NOT NULL DEFAULT 0;
ALTER TABLE waiting ADD COLUMN event INTEGER NOT NULL DEFAULT 0;
UPDATE waiting
   SET event = coalesce((SELECT event FROM runs WHERE runs.id = waiting.run), 0),
       happened = coalesce((SELECT occurred_at FROM inbox JOIN runs ON runs.event = inbox.id
                             WHERE runs.id = waiting.run), 0);
-- Unknown purchases have one alert, that of the part.
UPDATE alerts SET resolved_at = updated_at WHERE kind = 'unknown purchase' AND resolved_at IS NULL;
DROP INDEX waiting_gate;
CREATE INDEX waiting_gate ON waiting (gate, happened, event);
