-- The revert: the same again in the other direction, at the same price.
ALTER TABLE accounts
    ALTER COLUMN last_login_at TYPE timestamp USING last_login_at AT TIME ZONE 'Europe/Amsterdam';
