-- define: scale=3
-- define: label=17
\set i 42
\set d 1 / 3.0
\set b :i > 41 and not false
\set big 9223372036854775807
\set small -9223372036854775808
\set neg -2.5e-7
\SET Upper :i * :scale
INSERT INTO results (what, value) VALUES ('i', :i::text), ('d', (:d)::text), ('b', :b::text);
INSERT INTO results (what, value) SELECT 'casts', (:i::int + :scale :: bigint)::text || '::' || CAST(:label AS int);
INSERT INTO results (what, value) VALUES ('big', (:big::bigint - 1)::text), ('neg', (:neg)::float8::text);
INSERT INTO results (what, value) VALUES ('minus', (1 -:i::int)::text), ('case', :Upper::text);
INSERT INTO results (what, value) SELECT 'predefined', concat(:client_id::int, ' ', :scale::int, ' ', :random_seed::bigint, ' ', :default_seed::bigint);
INSERT INTO results (what, value) SELECT 'slice', (ARRAY[1, 2, 3])[2:3]::text;
INSERT INTO results (what, value) SELECT 'times', '12:30:00'::time::text || ' ' || '{"a":1}'::jsonb::text;
