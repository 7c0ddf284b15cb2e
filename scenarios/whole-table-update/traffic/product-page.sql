\pick product products.id
SELECT name, price, stock FROM products WHERE id = :product;
