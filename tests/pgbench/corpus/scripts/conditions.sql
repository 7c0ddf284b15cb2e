\set x random(1, 4)
\if :x = 1
INSERT INTO results (what) VALUES ('one');
\elif :x = 2
  \if true
INSERT INTO results (what) VALUES ('two');
  \elif 1 / 0
INSERT INTO results (what) VALUES ('never');
  \else
INSERT INTO results (what) VALUES ('neither');
  \endif
\elif :x = 3
INSERT INTO results (what) VALUES ('three');
\else
INSERT INTO results (what) VALUES ('more');
\endif
\if 0
  \if 1
INSERT INTO results (what) VALUES ('skipped');
  \elif 1
INSERT INTO results (what) VALUES ('skipped');
  \else
INSERT INTO results (what) VALUES ('skipped');
  \endif
\endif
\if null
INSERT INTO results (what) VALUES ('null');
\elif 0.0
INSERT INTO results (what) VALUES ('zero');
\elif -0.5
INSERT INTO results (what) VALUES ('half');
\endif
\if :x > 2
\set y :x * 10
\else
\set y :x - 10
\endif
INSERT INTO results (what, value) VALUES ('y', :y);
