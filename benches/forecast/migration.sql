-- FK validation
ALTER TABLE orders ADD CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers (id);
-- index build
CREATE INDEX orders_customer_id_placed_at_idx ON orders (customer_id, placed_at);
-- SET NOT NULL
ALTER TABLE orders ALTER COLUMN quantity SET NOT NULL;
-- rewrite
ALTER TABLE orders ALTER COLUMN quantity TYPE bigint;
-- backfill UPDATE
UPDATE orders SET shipped = true;
