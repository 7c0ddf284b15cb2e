\pick licence licences.id
SELECT key, seats, issued_at FROM licences WHERE id = :licence;
