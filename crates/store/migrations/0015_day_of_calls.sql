-- What the service told of the day's calls with an answer: its limit, and how many everybody had used.

ALTER TABLE calls ADD COLUMN day_limit INTEGER;
ALTER TABLE calls ADD COLUMN day_used INTEGER;
