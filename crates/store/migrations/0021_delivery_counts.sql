-- How webhooks were answered, by address and ten minutes: the vendor judges an address by its last three days.
CREATE TABLE delivery_counts (
    address   TEXT NOT NULL,
    slot      INTEGER NOT NULL,
    taken     INTEGER NOT NULL DEFAULT 0,
    duplicate INTEGER NOT NULL DEFAULT 0,
    useless   INTEGER NOT NULL DEFAULT 0,
    unsigned  INTEGER NOT NULL DEFAULT 0,
    forged    INTEGER NOT NULL DEFAULT 0,
    failed    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (address, slot)
) STRICT, WITHOUT ROWID;
