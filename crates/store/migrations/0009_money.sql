-- What all connections together spent in a currency, for the caps of the whole program.
CREATE INDEX purchases_spent_by_all ON purchases (currency, counted_at, amount, estimate)
    WHERE test = 0 AND state <> 'refused';
