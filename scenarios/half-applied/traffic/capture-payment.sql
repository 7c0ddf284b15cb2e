-- The provider says that a customer paid (a part).
\pick order orders.id
\set cents random(100, 5000)
BEGIN;
INSERT INTO payments (order_id, amount_cents, method) VALUES (:order, :cents, 'card');
UPDATE orders SET paid_cents = paid_cents + :cents WHERE id = :order;
COMMIT;
