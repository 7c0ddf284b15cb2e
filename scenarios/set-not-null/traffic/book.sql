\set room random(1, 5000)
INSERT INTO bookings (guest_id, room_id, arrives_on, nights, price_cents, currency)
VALUES (1, :room, current_date, 2, 24000, 'EUR');
