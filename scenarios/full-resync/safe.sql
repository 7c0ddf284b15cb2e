-- The same in batches that commit: a contact is locked for the time of its batch, and whoever stops it keeps what was
-- done so far. It can be started again and again, since it passes over what is up to date.

-- First, whether this is the database that it was meant for.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM installation WHERE environment = 'production') THEN
        RAISE EXCEPTION 'this is not the production database, and the import is production''s';
    END IF;
END
$$;

DO $$
DECLARE
    batch constant bigint := 1000;
    first_id bigint := 1;
    last_id constant bigint := (SELECT max(id) FROM contacts_import);
BEGIN
    WHILE first_id <= last_id LOOP
        UPDATE contacts c
        SET email = i.email,
            full_name = i.full_name,
            phone = i.phone,
            segment = i.segment,
            synced_at = now()
        FROM contacts_import i
        WHERE i.id = c.id
            AND c.id >= first_id
            AND c.id < first_id + batch
            AND (c.email, c.full_name, c.phone, c.segment) IS DISTINCT FROM (i.email, i.full_name, i.phone, i.segment);
        COMMIT;
        PERFORM pg_sleep(0.01);
        first_id := first_id + batch;
    END LOOP;
END
$$;
