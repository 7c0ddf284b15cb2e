-- AccessExclusiveLock for a moment each time: nothing is read or written under it.
SET lock_timeout = '50ms';
ALTER TABLE customers ADD COLUMN public_id uuid;
ALTER TABLE customers ALTER COLUMN public_id SET DEFAULT gen_random_uuid();

-- The old rows, in batches that commit.
SET lock_timeout = 0;
DO $$
DECLARE
    batch constant bigint := 5000;
    first_id bigint := 1;
    last_id constant bigint := (SELECT max(id) FROM customers);
BEGIN
    WHILE first_id <= last_id LOOP
        UPDATE customers
        SET public_id = gen_random_uuid()
        WHERE id >= first_id AND id < first_id + batch AND public_id IS NULL;
        COMMIT;
        PERFORM pg_sleep(0.01);
        first_id := first_id + batch;
    END LOOP;
END
$$;

SET lock_timeout = '50ms';
ALTER TABLE customers ADD CONSTRAINT customers_public_id_not_null CHECK (public_id IS NOT NULL) NOT VALID;

-- Reads every row, beside the traffic: ShareUpdateExclusiveLock.
SET lock_timeout = 0;
ALTER TABLE customers VALIDATE CONSTRAINT customers_public_id_not_null;

-- PostgreSQL 12 and later see that the CHECK says it already, and read nothing.
SET lock_timeout = '50ms';
ALTER TABLE customers ALTER COLUMN public_id SET NOT NULL;
ALTER TABLE customers DROP CONSTRAINT customers_public_id_not_null;
