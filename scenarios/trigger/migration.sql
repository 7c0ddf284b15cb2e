-- As it should be, and of no use here: it bounds how long a lock is waited for, not how long it is held.
SET lock_timeout = '2s';

BEGIN;

CREATE TABLE price_history (
    product_id bigint NOT NULL,
    valid_from timestamptz NOT NULL,
    price_cents bigint NOT NULL,
    PRIMARY KEY (product_id, valid_from)
);

CREATE FUNCTION keep_price() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO price_history VALUES (NEW.id, clock_timestamp(), NEW.price_cents);
    RETURN NULL;
END
$$;

CREATE TRIGGER keep_price AFTER UPDATE OF price_cents ON products FOR EACH ROW EXECUTE FUNCTION keep_price();

INSERT INTO price_history SELECT id, '-infinity', price_cents FROM products;

COMMIT;
