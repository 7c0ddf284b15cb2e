-- The ward's screen, for a clinician whose session is checked first.
\pick session sessions.id
\pick ward wards.id
SELECT clinician_id FROM sessions WHERE id = :session AND expires_at > now();
SELECT id, given_name, family_name, status, last_seen_at
FROM patients
WHERE ward_id = :ward AND status <> 'discharged'
ORDER BY last_seen_at DESC NULLS LAST
LIMIT 30;
