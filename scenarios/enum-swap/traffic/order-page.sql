\pick order orders.id
SELECT status, total_cents, placed_at FROM orders WHERE id = :order;
