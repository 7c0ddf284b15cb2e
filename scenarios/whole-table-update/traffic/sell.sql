\pick product products.id
UPDATE products SET stock = stock - 1 WHERE id = :product;
