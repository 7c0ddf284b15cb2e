INSERT INTO places (name, slug) VALUES ('A New Place', 'a-new-place');
