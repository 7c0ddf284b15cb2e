CREATE OR REPLACE FUNCTION pg_temp.sign_of(n int) RETURNS text
LANGUAGE sql
BEGIN ATOMIC
  SELECT 1;
  SELECT CASE WHEN n < 0 THEN 'minus' ELSE 'plus' END;
END;
INSERT INTO results (what, value) VALUES ('sign', pg_temp.sign_of(-5));
