-- protocols: simple
-- define: table=numbers
-- define: columns=id, name
-- define: flag=true
INSERT INTO results (what, value) SELECT 'names', concat_ws(' ', :columns) FROM :table WHERE id < 4 AND :flag ORDER BY id;
\set x :flag or false
INSERT INTO results (what, value) VALUES ('flag', :x);
