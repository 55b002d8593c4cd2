-- What a poll sees for the first time may be known already: by a webhook, or by another poll.
CREATE INDEX inbox_record ON inbox (location, record, id);
