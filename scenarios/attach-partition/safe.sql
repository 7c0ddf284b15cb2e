-- By the day as the readings' place has it.
CREATE TABLE all_readings (sensor_id integer NOT NULL, taken_at timestamptz NOT NULL, value real NOT NULL)
    PARTITION BY RANGE (((taken_at AT TIME ZONE 'Europe/Amsterdam')::date));

-- What the bounds say, word for word: that the day is not NULL belongs to it, or the CHECK is no proof.
SET lock_timeout = '50ms';
ALTER TABLE readings ADD CONSTRAINT readings_before_2027 CHECK (
    (taken_at AT TIME ZONE 'Europe/Amsterdam')::date IS NOT NULL
    AND (taken_at AT TIME ZONE 'Europe/Amsterdam')::date < '2027-01-01'
) NOT VALID;

-- Reads every row, beside the traffic.
SET lock_timeout = 0;
ALTER TABLE readings VALIDATE CONSTRAINT readings_before_2027;

-- Reads none.
SET lock_timeout = '50ms';
ALTER TABLE all_readings ATTACH PARTITION readings FOR VALUES FROM (MINVALUE) TO ('2027-01-01');
ALTER TABLE readings DROP CONSTRAINT readings_before_2027;
