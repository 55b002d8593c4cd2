-- 1: what the step would have written was recorded in test mode, and not sent.
ALTER TABLE steps ADD COLUMN withheld INTEGER NOT NULL DEFAULT 0;
CREATE INDEX steps_withheld ON steps (run) WHERE withheld = 1;
