-- A login, a profile, an administrator's page.
\pick user users.name zipf(0.6)
SELECT name, admin, is_guest, deactivated, locked, approved, creation_ts FROM users WHERE name = :user;
SELECT device_id, display_name, last_seen FROM devices WHERE user_id = :user;
