-- A customer moves.
\pick customer customers.id
UPDATE customers SET city = 'Utrecht' WHERE id = :customer;
