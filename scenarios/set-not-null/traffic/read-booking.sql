\pick booking bookings.id
SELECT guest_id, room_id, arrives_on, nights, price_cents, currency FROM bookings WHERE id = :booking;
