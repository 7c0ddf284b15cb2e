INSERT INTO orders (status, total_cents) VALUES ('placed', 4200);
