-- protocols: extended prepared
SELECT name FROM numbers WHERE id = 101 \gset
SELECT id FROM numbers WHERE name = :name \gset it_
INSERT INTO results (what, value) VALUES (:name, :it_id);
SELECT true AS yes, 'null' AS nothing, ' 12' AS spaced, '1.50' AS price \gset
\set no not :yes
\set nothing :nothing is null
\set sum :spaced + :price
INSERT INTO results (what, value) VALUES ('no', :no), ('nothing', :nothing), ('sum', :sum), ('price', :price);
