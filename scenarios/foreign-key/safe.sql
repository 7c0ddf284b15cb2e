-- The same work in steps, each of which commits by itself: what scans the table does not block its writers, and what
-- blocks them does not scan.

-- A step that does not get its lock at once gives up, instead of holding up everyone who queues behind it, and is tried
-- again ([migration] attempts): nobody is to wait longer than a request may take.
SET lock_timeout = '30ms';

CREATE TABLE measurement_sources (
    id bigint PRIMARY KEY,
    name text NOT NULL UNIQUE
);

INSERT INTO measurement_sources (id, name)
VALUES (1, 'device gateway'), (2, 'manual entry');

-- AccessExclusiveLock, for milliseconds: a constant default is kept in the catalog (PostgreSQL 11 and later), so no row
-- is looked at. It serves the old release too, which goes on to insert without the column.
ALTER TABLE measurements ADD COLUMN source_id bigint NOT NULL DEFAULT 1;

-- ShareRowExclusiveLock, for milliseconds: from now on new rows are checked, the old ones not yet.
ALTER TABLE measurements
    ADD CONSTRAINT measurements_source_id_fkey
        FOREIGN KEY (source_id) REFERENCES measurement_sources (id) NOT VALID;

-- From here on nothing is asked for that traffic would have to queue behind.
SET lock_timeout = 0;

-- The rows that the default is wrong for, in batches that commit: no row is locked for more than a moment, and the
-- pauses leave room for the traffic, and for autovacuum and replicas to keep up.
DO $$
DECLARE
    batch constant bigint := 5000;
    first_id bigint := 1;
    last_id constant bigint := (SELECT max(id) FROM measurements);
BEGIN
    WHILE first_id <= last_id LOOP
        UPDATE measurements
        SET source_id = 2
        WHERE id >= first_id AND id < first_id + batch AND device_id IS NULL AND source_id = 1;
        COMMIT;
        PERFORM pg_sleep(0.01);
        first_id := first_id + batch;
    END LOOP;
END
$$;

-- Checks the old rows under ShareUpdateExclusiveLock, beside which rows are read and written.
ALTER TABLE measurements VALIDATE CONSTRAINT measurements_source_id_fkey;

-- Under the same lock. It waits for every transaction older than itself, which is no reason to give up.
CREATE INDEX CONCURRENTLY measurements_source_id_idx ON measurements (source_id);
