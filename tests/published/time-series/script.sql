\set device random_zipfian(1, :devices, 1.2)
\set base 15 + random(0, 1500) / 100.0
\set noise (hash(:device * 1000 + random(0, 9)) % 100) / 100.0
\set t1 :base + :noise
\set t2 :base - :noise
\set t3 greatest(:t1, :t2, 20.5)
\set t4 double(least(:t1, :t2, 18))
\set wet random(1, 4) = 1
\set humidity case when :wet then int(100 * sqrt(random(0, 10000) / 10000.0)) else -1 end
INSERT INTO readings (device, at, temperature, humidity, labels) VALUES
  (:device, now() - interval '3 s', :t1, :humidity, '{"unit": "C", "quality": [1, 2]}'),
  (:device, now() - interval '2 s', :t2, :humidity, '{"unit": "C", "quality": []}'),
  (:device, now() - interval '1 s', :t3, :humidity, jsonb_build_object('zone', :device % 7)),
  (:device, now(), :t4, :humidity, '{}');
UPDATE devices
   SET last_seen = now(), readings = readings + 4 -- as many as above
 WHERE id = :device;
SELECT count(*), avg(temperature)
  FROM (SELECT temperature FROM readings WHERE device = :device AND at > now() - '1 hour'::interval
         ORDER BY at DESC LIMIT 20) latest;
