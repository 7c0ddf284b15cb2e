-- The incident's migration: one transaction adds the column, fills it, and adds its foreign key and its index.
--
-- Each step alone looks harmless. But the first ALTER TABLE takes AccessExclusiveLock on measurements within a
-- millisecond, and nothing gives it back before COMMIT: it is held while rows are written anew, while every row is
-- checked against the foreign key, and while the index is built. Until then nobody writes or reads a measurement, and
-- everyone who waits keeps a connection of his instance's pool.

BEGIN;

CREATE TABLE measurement_sources (
    id bigint PRIMARY KEY,
    name text NOT NULL UNIQUE
);

INSERT INTO measurement_sources (id, name)
VALUES (1, 'device gateway'), (2, 'manual entry');

-- The default serves the old release too, which goes on to insert without the column.
ALTER TABLE measurements ADD COLUMN source_id bigint NOT NULL DEFAULT 1;

UPDATE measurements SET source_id = 2 WHERE device_id IS NULL;

ALTER TABLE measurements
    ADD CONSTRAINT measurements_source_id_fkey
        FOREIGN KEY (source_id) REFERENCES measurement_sources (id);

CREATE INDEX measurements_source_id_idx ON measurements (source_id);

COMMIT;
