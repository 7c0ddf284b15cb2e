-- In one transaction, after the data has been repaired.

SET lock_timeout = '200ms';

BEGIN;

ALTER TABLE payments ADD COLUMN fee_cents bigint NOT NULL DEFAULT 0;

-- What would make the last step fail is mended here, or the whole of it stops here.
UPDATE payments SET method = 'unknown' WHERE method IS NULL;

DO $$
BEGIN
    IF EXISTS (SELECT FROM payments WHERE amount_cents < 0) THEN
        RAISE EXCEPTION 'there are payments below zero, of which no fee is known';
    END IF;
END
$$;

UPDATE payments SET fee_cents = amount_cents * 3 / 100, amount_cents = amount_cents - amount_cents * 3 / 100;

UPDATE orders o
SET paid_cents = o.paid_cents - f.fee_cents
FROM (SELECT order_id, sum(fee_cents) AS fee_cents FROM payments GROUP BY order_id) f
WHERE f.order_id = o.id;

ALTER TABLE payments ALTER COLUMN method SET NOT NULL;

COMMIT;
