\pick ticket tickets.id
SELECT subject, body, opened_at FROM tickets WHERE id = :ticket;
