-- An entry is settled, and the account says so.
\pick entry entries.id
\pick account accounts.id
BEGIN;
UPDATE entries SET settled = true WHERE id = :entry;
UPDATE accounts SET balance_cents = balance_cents + 100 WHERE id = :account;
COMMIT;
