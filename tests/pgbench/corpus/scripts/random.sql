\set a random(1, 1000000)
\set b random_gaussian(1, 1000000, 2.5)
\set c random_exponential(1, 1000000, 2.5)
\set d random_zipfian(1, 1000000, 1.5)
\set e hash(:a) % 1000
\set f permute(:b - 1, 1000000)
\set g hash_fnv1a(:c, 7)
\set h case when random(0, 1) = 1 then random(1, 10) else -random(1, 10) end
INSERT INTO results (what, value) VALUES ('a', :a), ('b', :b), ('c', :c), ('d', :d), ('e', :e), ('f', :f), ('g', :g), ('h', :h);
