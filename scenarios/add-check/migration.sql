ALTER TABLE subscribers
    ADD CONSTRAINT subscribers_email_check CHECK (email ~* '^[a-z0-9._%+-]+@([a-z0-9-]+\.)+[a-z]{2,}$');
