\pick place places.id
SELECT name, slug FROM places WHERE id = :place;
