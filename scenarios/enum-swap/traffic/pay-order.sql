\pick order orders.id
UPDATE orders SET status = 'paid' WHERE id = :order;
