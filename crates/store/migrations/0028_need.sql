-- Which write was refused: only when it goes through is it known to be granted. NULL: a check tells.
ALTER TABLE breakers ADD COLUMN need TEXT;
-- The run that tries it for the others.
ALTER TABLE breakers ADD COLUMN probe INTEGER;
