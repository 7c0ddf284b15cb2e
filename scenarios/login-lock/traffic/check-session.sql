-- What every request of somebody who is logged in begins with.
\pick session sessions.id
SELECT a.id, a.email
FROM sessions s
JOIN accounts a ON a.id = s.account_id
WHERE s.id = :session AND s.expires_at > now();
