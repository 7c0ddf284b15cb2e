-- One transaction, or there would be a moment without a table of that name. Nothing in it takes longer than a moment.
SET lock_timeout = '50ms';
BEGIN;
ALTER TABLE members RENAME TO people;
ALTER TABLE people RENAME COLUMN fullname TO full_name;
-- Simple enough for PostgreSQL to write through it by itself. The new release asks people, the old one members.
CREATE VIEW members AS SELECT id, full_name AS fullname, email, joined_at FROM people;
COMMIT;
