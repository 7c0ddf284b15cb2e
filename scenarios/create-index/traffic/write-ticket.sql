INSERT INTO tickets (subject, body)
VALUES ('It does not work', 'Since this morning the lights of the second floor stay on, whatever we do.');
