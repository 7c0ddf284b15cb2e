-- The script of the incident: one statement. It writes every account anew and builds every index again, all under
-- AccessExclusiveLock, which stops those too who only read.
ALTER TABLE accounts
    ALTER COLUMN last_login_at TYPE timestamptz USING last_login_at AT TIME ZONE 'Europe/Amsterdam';
