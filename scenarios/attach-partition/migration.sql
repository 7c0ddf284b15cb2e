-- Bounds how long it waits for its locks, not how long it holds them.
SET lock_timeout = '2s';

-- By the day as the readings' place has it.
CREATE TABLE all_readings (sensor_id integer NOT NULL, taken_at timestamptz NOT NULL, value real NOT NULL)
    PARTITION BY RANGE (((taken_at AT TIME ZONE 'Europe/Amsterdam')::date));

ALTER TABLE all_readings ATTACH PARTITION readings FOR VALUES FROM (MINVALUE) TO ('2027-01-01');
