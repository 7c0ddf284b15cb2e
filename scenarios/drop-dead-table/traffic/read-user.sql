\pick user users.id
SELECT name, email FROM users WHERE id = :user;
