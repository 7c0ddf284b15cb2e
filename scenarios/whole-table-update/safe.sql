SET lock_timeout = '50ms';
ALTER TABLE products ADD COLUMN price_cents bigint;

SET lock_timeout = 0;
DO $$
DECLARE
    batch constant bigint := 1000;
    first_id bigint := 1;
    last_id constant bigint := (SELECT max(id) FROM products);
BEGIN
    WHILE first_id <= last_id LOOP
        UPDATE products
        SET price_cents = price * 100
        WHERE id >= first_id AND id < first_id + batch AND price_cents IS NULL;
        COMMIT;
        PERFORM pg_sleep(0.01);
        first_id := first_id + batch;
    END LOOP;
END
$$;
