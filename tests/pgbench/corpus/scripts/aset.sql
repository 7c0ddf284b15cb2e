\set missing -1
SELECT id AS last FROM numbers WHERE id <= 5 ORDER BY id \aset
SELECT id AS missing FROM numbers WHERE id < 0 \aset
SELECT id AS a_id, name AS a_name FROM numbers WHERE id IN (3, 4) ORDER BY id DESC \aset
INSERT INTO numbers VALUES (1, 'twice') ON CONFLICT DO NOTHING \aset
INSERT INTO results (what, value) VALUES ('last', :last), ('missing', :missing), ('id', :a_id);
