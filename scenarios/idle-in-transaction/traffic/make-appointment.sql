INSERT INTO appointments (title, starts_at) VALUES ('Dentist', now());
