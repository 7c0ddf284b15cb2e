\set device random_zipfian(1, :devices, 1.2)
\set t1 random_gaussian(-200, 450, 3.0) / 10.0
\startpipeline
BEGIN;
INSERT INTO readings VALUES (:device, now(), :t1, null, '{"batch": 1}');
INSERT INTO readings VALUES (:device, now(), :t1 + 0.5, null, '{"batch": 2}');
INSERT INTO readings VALUES (:device, now(), :t1 - 0.5, null, '{"batch": 3}');
INSERT INTO readings VALUES (:device, now(), :t1, null, '{"batch": 4}');
UPDATE devices SET last_seen = now(), readings = readings + 4 WHERE id = :device;
COMMIT;
\endpipeline
