-- protocols: simple
-- define: word=plain
\set i 5
SELECT 'found' AS name, 'numbers' AS tab, id FROM numbers WHERE id = 7 \gset
INSERT INTO results (what, value) VALUES ('single', 'i is :i, :unknown, ::i, :1, a:i:i:'), (':word', E'\t:i\':i');
INSERT INTO results (what, value) SELECT 'dollar', $$:i and :word$$ || $x$:name$x$;
INSERT INTO results (what, value) SELECT ':name', name FROM :tab WHERE id = :id;
INSERT INTO results (what, value) SELECT "number :i", 'x' FROM (SELECT 'identifier' AS "number 5") named;
INSERT INTO results (what, value) VALUES ('comment', 1 /* :i :nowhere */ + 1 -- :i
);
