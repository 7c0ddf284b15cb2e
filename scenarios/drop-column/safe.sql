SET lock_timeout = '50ms';
BEGIN;
ALTER TABLE suppliers RENAME TO companies;
ALTER TABLE companies DROP COLUMN fax;
-- The same columns in the same order and of the same types: prepared statements go on.
CREATE VIEW suppliers AS SELECT id, name, NULL::text AS fax, city, added_at FROM companies;
COMMIT;
