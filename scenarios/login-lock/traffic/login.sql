-- A reader logs in: the account by its address, the time of it, a session.
\pick account,email accounts.id,email
SELECT id, password_hash, failed_attempts FROM accounts WHERE email = :email;
BEGIN;
UPDATE accounts SET last_login_at = now(), failed_attempts = 0 WHERE id = :account;
INSERT INTO sessions (account_id) VALUES (:account);
COMMIT;
