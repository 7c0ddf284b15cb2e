-- The way back, of the whole migration or of the half that was applied: amounts and orders as they were.
BEGIN;

UPDATE payments SET amount_cents = amount_cents + fee_cents;

UPDATE orders o
SET paid_cents = p.amount_cents
FROM (SELECT order_id, sum(amount_cents) AS amount_cents FROM payments GROUP BY order_id) p
WHERE p.order_id = o.id AND o.paid_cents <> p.amount_cents;

ALTER TABLE payments DROP COLUMN fee_cents, ALTER COLUMN method DROP NOT NULL;

COMMIT;
