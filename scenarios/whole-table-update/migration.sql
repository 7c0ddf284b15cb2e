-- As it should be, and of no use here: it bounds how long a lock is waited for, not how long it is held.
SET lock_timeout = '2s';

ALTER TABLE products ADD COLUMN price_cents bigint;

UPDATE products SET price_cents = price * 100;
