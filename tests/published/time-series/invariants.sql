SELECT count(*) = 4 * :transactions FROM readings;
SELECT sum(readings) = 4 * :transactions FROM devices;
SELECT count(*) = 0 FROM devices d WHERE readings <> (SELECT count(*) FROM readings WHERE device = d.id);
-- A few devices send most.
SELECT (SELECT sum(readings) FROM devices WHERE id <= 10) > :transactions;
SELECT count(*) = 0 FROM readings WHERE temperature NOT BETWEEN -30 AND 60;
