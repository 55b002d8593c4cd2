-- The account to which a purchase was handed first: its key says nothing at another.
ALTER TABLE purchases ADD COLUMN sent_to TEXT;
-- The currency of the estimate. `currency` is the receipt's once there is one.
ALTER TABLE purchases ADD COLUMN expected_in TEXT NOT NULL DEFAULT '';
UPDATE purchases SET expected_in = currency;
