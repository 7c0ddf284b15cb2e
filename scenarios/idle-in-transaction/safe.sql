SET lock_timeout = '50ms';
ALTER TABLE appointments ADD COLUMN remind_at timestamptz;
