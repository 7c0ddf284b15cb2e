-- Readings of devices, a few of which send most.
CREATE TABLE devices (id int PRIMARY KEY, last_seen timestamptz, readings bigint NOT NULL DEFAULT 0);
CREATE TABLE readings (
    device int NOT NULL REFERENCES devices,
    at timestamptz NOT NULL,
    temperature double precision NOT NULL,
    humidity double precision,
    labels jsonb NOT NULL
);
CREATE INDEX readings_by_device ON readings (device, at DESC);
CREATE INDEX readings_at ON readings USING brin (at);
INSERT INTO devices SELECT d FROM generate_series(1, 500) d;
