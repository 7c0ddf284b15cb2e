\pick product products.id
SELECT price_cents, stock FROM products WHERE id = :product;
