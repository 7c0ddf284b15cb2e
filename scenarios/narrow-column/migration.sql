ALTER TABLE places ALTER COLUMN name TYPE varchar(80);
