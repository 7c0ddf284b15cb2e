-- The page is made while its connection is held: so many of the pool's are in use, and have prepared the statement.
\pick supplier suppliers.id
SELECT * FROM suppliers WHERE id = :supplier;
\sleep 60 ms
