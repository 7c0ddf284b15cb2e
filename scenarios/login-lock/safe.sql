-- A second column, kept up to date from now on, and the old rows in batches. The next release reads it; the old column
-- goes with the release after that.

-- Whoever waits for AccessExclusiveLock holds up all who come after, so wait briefly, and try again.
SET lock_timeout = '50ms';

ALTER TABLE accounts ADD COLUMN last_seen_at timestamptz;

CREATE FUNCTION keep_last_seen_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.last_seen_at := NEW.last_login_at AT TIME ZONE 'Europe/Amsterdam';
    RETURN NEW;
END
$$;

CREATE TRIGGER keep_last_seen_at BEFORE INSERT OR UPDATE OF last_login_at ON accounts
    FOR EACH ROW EXECUTE FUNCTION keep_last_seen_at();

-- Batches hold the locks of their rows alone, and for a moment.
SET lock_timeout = 0;

DO $$
DECLARE
    batch constant bigint := 10000;
    first_id bigint := 1;
    last_id constant bigint := (SELECT max(id) FROM accounts);
BEGIN
    WHILE first_id <= last_id LOOP
        UPDATE accounts
        SET last_seen_at = last_login_at AT TIME ZONE 'Europe/Amsterdam'
        WHERE id >= first_id AND id < first_id + batch AND last_login_at IS NOT NULL AND last_seen_at IS NULL;
        COMMIT;
        PERFORM pg_sleep(0.02);
        first_id := first_id + batch;
    END LOOP;
END
$$;

CREATE INDEX CONCURRENTLY accounts_last_seen_at_idx ON accounts (last_seen_at);
