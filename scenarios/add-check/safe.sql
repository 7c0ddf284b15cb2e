SET lock_timeout = '50ms';
ALTER TABLE subscribers
    ADD CONSTRAINT subscribers_email_check CHECK (email ~* '^[a-z0-9._%+-]+@([a-z0-9-]+\.)+[a-z]{2,}$') NOT VALID;

SET lock_timeout = 0;
ALTER TABLE subscribers VALIDATE CONSTRAINT subscribers_email_check;
