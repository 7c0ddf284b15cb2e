BEGIN;
ALTER TABLE accounts ADD COLUMN currency text NOT NULL DEFAULT 'EUR';
UPDATE accounts SET currency = 'DKK' WHERE id % 10 = 0;
ALTER TABLE entries ADD COLUMN currency text NOT NULL DEFAULT 'EUR';
UPDATE entries SET currency = 'DKK' WHERE account_id % 10 = 0;
COMMIT;
