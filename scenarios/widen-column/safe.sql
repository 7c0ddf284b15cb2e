-- A second column of the type that is wanted. The next release writes it and reads it; the old one is none the wiser.
SET lock_timeout = '50ms';
ALTER TABLE vouchers ADD COLUMN long_code text;

CREATE FUNCTION keep_long_code() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.long_code := NEW.code;
    RETURN NEW;
END
$$;

CREATE TRIGGER keep_long_code BEFORE INSERT OR UPDATE OF code ON vouchers
    FOR EACH ROW EXECUTE FUNCTION keep_long_code();

SET lock_timeout = 0;
DO $$
DECLARE
    batch constant bigint := 1000;
    first_id bigint := 1;
    last_id constant bigint := (SELECT max(id) FROM vouchers);
BEGIN
    WHILE first_id <= last_id LOOP
        UPDATE vouchers
        SET long_code = code
        WHERE id >= first_id AND id < first_id + batch AND long_code IS NULL;
        COMMIT;
        PERFORM pg_sleep(0.01);
        first_id := first_id + batch;
    END LOOP;
END
$$;
