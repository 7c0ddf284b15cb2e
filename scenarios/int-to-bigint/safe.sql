SET lock_timeout = '50ms';

ALTER TABLE events ADD COLUMN new_id bigint;

CREATE FUNCTION keep_new_id() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.new_id := NEW.id;
    RETURN NEW;
END
$$;

CREATE TRIGGER keep_new_id BEFORE INSERT OR UPDATE ON events FOR EACH ROW EXECUTE FUNCTION keep_new_id();

-- The trigger does the work: each row of the batch is merely written once more.
SET lock_timeout = 0;
DO $$
DECLARE
    batch constant integer := 5000;
    first_id integer := 1;
    last_id constant integer := (SELECT max(id) FROM events);
BEGIN
    WHILE first_id <= last_id LOOP
        UPDATE events SET new_id = id WHERE id >= first_id AND id < first_id + batch AND new_id IS NULL;
        COMMIT;
        PERFORM pg_sleep(0.01);
        first_id := first_id + batch;
    END LOOP;
END
$$;

CREATE UNIQUE INDEX CONCURRENTLY events_new_id_idx ON events (new_id);
