ALTER TABLE appointments ADD COLUMN remind_at timestamptz;
