CREATE TABLE readings (
    sensor_id integer NOT NULL,
    taken_at timestamptz NOT NULL,
    value real NOT NULL
);
CREATE INDEX readings_sensor_id_taken_at_idx ON readings (sensor_id, taken_at);
