-- What a step is about to write, from its intent until its outcome is known: steps of older events leave it alone, and our own
-- write is known when it comes back, also where the program was killed in between.
ALTER TABLE steps ADD COLUMN intends TEXT;
CREATE INDEX steps_intends ON steps (location) WHERE intends IS NOT NULL;
