-- The fee that the payment provider keeps goes into a column of its own, and amounts become what really arrived. Run
-- statement by statement, as psql does without being told otherwise: the third fails, and the first two stay.

ALTER TABLE payments ADD COLUMN fee_cents bigint NOT NULL DEFAULT 0;

UPDATE payments SET fee_cents = amount_cents * 3 / 100, amount_cents = amount_cents - amount_cents * 3 / 100;

-- No database but production's has payments without a method.
ALTER TABLE payments ALTER COLUMN method SET NOT NULL;

-- Never reached: every order now claims more than its payments say.
UPDATE orders o
SET paid_cents = o.paid_cents - f.fee_cents
FROM (SELECT order_id, sum(fee_cents) AS fee_cents FROM payments GROUP BY order_id) f
WHERE f.order_id = o.id;
