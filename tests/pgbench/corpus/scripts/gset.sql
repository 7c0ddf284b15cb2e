\set i random(1, 100)
SELECT id AS found, amount, length(name) AS size FROM numbers WHERE id = :i \gset
SELECT count(*) AS n,
       max(id) AS top
  FROM numbers
 WHERE id <= :found
\gset p_
\set twice :amount * 2
INSERT INTO results (what, value) VALUES ('found', :found), ('amount', :amount), ('twice', :twice::text);
INSERT INTO results (what, value) VALUES ('n', :p_n), ('top', :p_top), ('sum', (:p_n::int + :p_top::int)::text);
UPDATE numbers SET amount = amount + 1 WHERE id = :i RETURNING amount AS now;
\gset
INSERT INTO results (what, value) VALUES ('now', :now);
\if :now = :amount + 1
INSERT INTO results (what, value) VALUES ('if', 'as it should be');
\endif
SELECT 1 AS "found" \gset
\set found :found + 1
INSERT INTO results (what, value) VALUES ('found', :found::text);
