\pick user users.id
UPDATE users SET name = 'Renamed' WHERE id = :user;
