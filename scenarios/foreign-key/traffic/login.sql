-- A clinician logs in. It touches no measurement: who waits here waits for a connection, not for a lock.
\pick email clinicians.email
\pick clinician clinicians.id
SELECT id, password_hash, role FROM clinicians WHERE email = :email AND active;
BEGIN;
UPDATE clinicians SET last_login_at = now() WHERE id = :clinician;
INSERT INTO sessions (clinician_id, address, user_agent) VALUES (:clinician, '192.0.2.10', 'Mozilla/5.0');
COMMIT;
