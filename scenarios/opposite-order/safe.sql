SET lock_timeout = '50ms';
ALTER TABLE entries ADD COLUMN currency text NOT NULL DEFAULT 'EUR';
ALTER TABLE accounts ADD COLUMN currency text NOT NULL DEFAULT 'EUR';

-- Row locks alone, in small bites, and one table at a time.
SET lock_timeout = 0;
DO $$
BEGIN
    FOR part IN 0..9 LOOP
        UPDATE entries SET currency = 'DKK' WHERE account_id % 10 = 0 AND id % 10 = part;
        COMMIT;
        UPDATE accounts SET currency = 'DKK' WHERE id % 10 = 0 AND id / 10 % 10 = part;
        COMMIT;
    END LOOP;
END
$$;
