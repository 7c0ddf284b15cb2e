\set device random(1, 2000)
INSERT INTO events (device_id, kind) VALUES (:device, 'opened');
