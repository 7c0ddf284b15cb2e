ALTER TABLE licences ADD CONSTRAINT licences_key_key UNIQUE (key);
