INSERT INTO vouchers (code, value_cents) VALUES ('AB12-CD34', 2500);
