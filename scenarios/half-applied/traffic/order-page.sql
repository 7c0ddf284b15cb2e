\pick order orders.id
SELECT customer_email, paid_cents, placed_at FROM orders WHERE id = :order;
SELECT amount_cents, method, captured_at FROM payments WHERE order_id = :order ORDER BY captured_at;
