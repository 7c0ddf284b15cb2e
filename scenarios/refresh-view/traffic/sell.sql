\set shop random(1, 200)
INSERT INTO sales (shop_id, buyer, cents) VALUES (:shop, 'somebody@example.org', 1250);
