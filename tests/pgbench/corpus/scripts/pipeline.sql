-- protocols: extended prepared
\set x random(1, 1000)
\startpipeline
BEGIN ISOLATION LEVEL SERIALIZABLE;
INSERT INTO results (what, value) VALUES ('first', :x);
\set x :x + 1
\if :x > 0
INSERT INTO results (what, value) VALUES ('second', :x);
\endif
COMMIT;
INSERT INTO results (what, value) SELECT 'third', count(*)::text FROM results;
\endpipeline
SELECT count(*) AS n FROM results \gset
\startpipeline
\endpipeline
\startpipeline
INSERT INTO results (what, value) VALUES ('n', :n);
\endpipeline
