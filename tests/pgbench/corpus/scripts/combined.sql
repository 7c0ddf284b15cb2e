-- protocols: simple
SELECT 1 AS one \; SELECT 2 AS two UNION SELECT 3 ORDER BY 1 \; SELECT 4 AS none WHERE false \; UPDATE numbers SET amount = 0 WHERE id = 1 \; SELECT 5 AS five \aset
SELECT 6 AS one \; SELECT 7 AS seven \gset
INSERT INTO results (what, value) VALUES ('one', ':one'), ('two', ':two'), ('five', :five), ('seven', :seven), ('none', ':none');
BEGIN \; INSERT INTO results (what, value) VALUES ('a', 1) \; INSERT INTO results (what, value) VALUES ('b', 2) \; COMMIT;
