\set device random(1, 2000)
SELECT id, kind, recorded_at FROM events WHERE device_id = :device ORDER BY recorded_at DESC LIMIT 20;
