\set sensor random(1, 5000)
SELECT taken_at, value FROM readings WHERE sensor_id = :sensor ORDER BY taken_at DESC LIMIT 20;
