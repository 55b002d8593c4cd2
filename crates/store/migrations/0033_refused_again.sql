-- When it was refused last. NULL: when it was opened. Whoever tries it waits longer each time.
ALTER TABLE breakers ADD COLUMN refused_at INTEGER;
