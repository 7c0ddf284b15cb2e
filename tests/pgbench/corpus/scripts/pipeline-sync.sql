-- protocols: extended prepared
-- since: 17
\startpipeline
INSERT INTO results (what, value) VALUES ('first', 1);
\syncpipeline
INSERT INTO results (what, value) VALUES ('second', 2);
\syncpipeline
\syncpipeline
INSERT INTO results (what, value) SELECT 'third', count(*)::text FROM results;
\endpipeline
