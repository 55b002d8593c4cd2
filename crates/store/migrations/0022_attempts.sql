-- A key is never used with two bodies, so what is asked for in another way after a refusal is a purchase with a key of its
-- own. `slot` is the step's key: what is bought once. All attempts of a slot have it; at most one of them stands.
ALTER TABLE purchases ADD COLUMN slot TEXT NOT NULL DEFAULT '';
UPDATE purchases SET slot = key;

-- Whatever the program does, of two attempts one was refused.
CREATE UNIQUE INDEX purchases_standing ON purchases (slot) WHERE state <> 'refused';
CREATE INDEX purchases_slot ON purchases (slot, id);
