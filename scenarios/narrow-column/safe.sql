SET lock_timeout = '50ms';
ALTER TABLE places ADD CONSTRAINT places_name_length CHECK (length(name) <= 80) NOT VALID;

SET lock_timeout = 0;
ALTER TABLE places VALIDATE CONSTRAINT places_name_length;
