CREATE UNIQUE INDEX CONCURRENTLY licences_key_key ON licences (key);

SET lock_timeout = '50ms';
ALTER TABLE licences ADD CONSTRAINT licences_key_key UNIQUE USING INDEX licences_key_key;
