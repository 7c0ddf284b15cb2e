CREATE TABLE price_history (
    product_id bigint NOT NULL,
    valid_from timestamptz NOT NULL,
    price_cents bigint NOT NULL,
    PRIMARY KEY (product_id, valid_from)
);

-- The first change of a product also keeps what the price was until then.
CREATE FUNCTION keep_price() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO price_history VALUES (NEW.id, '-infinity', OLD.price_cents) ON CONFLICT DO NOTHING;
    INSERT INTO price_history VALUES (NEW.id, clock_timestamp(), NEW.price_cents);
    RETURN NULL;
END
$$;

SET lock_timeout = '50ms';
CREATE TRIGGER keep_price AFTER UPDATE OF price_cents ON products FOR EACH ROW EXECUTE FUNCTION keep_price();

SET lock_timeout = 0;
DO $$
DECLARE
    batch constant bigint := 5000;
    first_id bigint := 1;
    last_id constant bigint := (SELECT max(id) FROM products);
BEGIN
    WHILE first_id <= last_id LOOP
        INSERT INTO price_history
        SELECT id, '-infinity', price_cents FROM products WHERE id >= first_id AND id < first_id + batch
        ON CONFLICT DO NOTHING;
        COMMIT;
        PERFORM pg_sleep(0.01);
        first_id := first_id + batch;
    END LOOP;
END
$$;
