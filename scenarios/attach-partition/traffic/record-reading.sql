\set sensor random(1, 5000)
INSERT INTO readings (sensor_id, taken_at, value) VALUES (:sensor, '2026-07-01 12:00:00+00', 20.5);
