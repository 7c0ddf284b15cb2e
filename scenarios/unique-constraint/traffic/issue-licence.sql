\fresh id licences.id
INSERT INTO licences (id, key, seats) VALUES (:id, 'new-' || :id, 5);
