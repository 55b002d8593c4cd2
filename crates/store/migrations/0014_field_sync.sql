-- Field mapping: when each field of a profile changed last (microseconds by name), and what the contact and the profile
-- last agreed on.

ALTER TABLE profiles ADD COLUMN changed TEXT NOT NULL DEFAULT '{}';
ALTER TABLE profiles ADD COLUMN synced TEXT NOT NULL DEFAULT '{}';
