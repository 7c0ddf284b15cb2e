INSERT INTO subscribers (email, list) VALUES ('new.reader@example.org', 'weekly');
