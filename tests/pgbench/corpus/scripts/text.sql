/* a comment; with a semicolon
   /* and another */ within it */
-- and a line; of comment
\set x 1 + \
   2 * \
   3
\
INSERT INTO results (what, value) VALUES ('semicolons;', 'a;b' || E'it\'s;' || $$c;d$$ || $q$e;$$f$q$); INSERT INTO results (what) VALUES ('same line'); \set y :x
INSERT INTO results (what, value) -- here; too
VALUES ('x', :x /* ; */), ('y',
  :y)
;
;;
CREATE OR REPLACE RULE quietly AS ON UPDATE TO results WHERE NEW.what = 'rule' DO ALSO (INSERT INTO results (what) VALUES ('by rule'); INSERT INTO results (what) VALUES ('again'));
UPDATE results SET what = 'rule' WHERE what = 'same line';
DROP RULE quietly ON results;
INSERT INTO results (what, value) SELECT "odd;name", 'tab	and " quote' FROM (SELECT 1 AS "odd;name") odd;
\sleep 100 us
\sleep 1ms
\set t 2
\sleep :t ms
\sleep 0
INSERT INTO results (what) VALUES ('without an end')
