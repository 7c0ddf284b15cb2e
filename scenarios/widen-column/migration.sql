SET lock_timeout = '50ms';
ALTER TABLE vouchers ALTER COLUMN code TYPE varchar(24);
