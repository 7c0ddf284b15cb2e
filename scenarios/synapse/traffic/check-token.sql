-- Every request of a client begins with this: whose token is it, and may that user do anything?
\pick token access_tokens.token zipf(0.6)
SELECT u.name, u.is_guest, u.deactivated, u.shadow_banned, u.locked, t.id, t.device_id, t.valid_until_ms
FROM access_tokens t
JOIN users u ON u.name = t.user_id
WHERE t.token = :token;
