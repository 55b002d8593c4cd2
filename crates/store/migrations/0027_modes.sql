-- In which mode the connection of a location was when events came: those with a greater number than `after`, up to the next row's.
CREATE TABLE modes (
    location TEXT NOT NULL,
    after    INTEGER NOT NULL,
    test     INTEGER NOT NULL CHECK (test IN (0, 1)),
    PRIMARY KEY (location, after)
) STRICT, WITHOUT ROWID;

-- Of stores from before, the last purchase tells.
INSERT INTO modes (location, after, test)
SELECT location, 0, test FROM purchases WHERE id IN (SELECT max(id) FROM purchases GROUP BY location);

-- 1: a person had it carried out for real, in whichever mode its event came.
ALTER TABLE runs ADD COLUMN real INTEGER NOT NULL DEFAULT 0;
