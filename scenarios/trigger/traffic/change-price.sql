\pick product products.id
\set cents random(100, 50000)
UPDATE products SET price_cents = :cents WHERE id = :product;
