-- new-order of an order-entry workload: one district's counter gives the number,
-- two to three lines are ordered, one order in ten takes an item from elsewhere.
\set warehouses 2
\set w_id random(1, :warehouses)
\set d_id random(1, 10)
\set c_id random_gaussian(1, 30, 4.0)
\set third random(0, 1)
\set ol_cnt 2 + :third
\set i1 random_zipfian(1, 1000, 1.1)
\set i2 1 + permute(:i1, 1000, 42)
\set i3 1 + (:i1 + :i2) % 1000
\set q1 random(1, 10)
\set q2 random(1, 10)
\set q3 random(1, 10)
\set remote random(1, 10) = 1
\if :remote
  \set supply_w :warehouses + 1 - :w_id
\else
  \set supply_w :w_id
\endif

BEGIN;
SELECT w_tax, c_discount, c_last, c_credit
  FROM warehouse JOIN customer ON c_w_id = w_id
 WHERE w_id = :w_id AND c_d_id = :d_id AND c_id = :c_id
\gset
UPDATE district SET d_next_o_id = d_next_o_id + 1
 WHERE d_w_id = :w_id AND d_id = :d_id
RETURNING d_next_o_id - 1 AS o_id, d_tax
\gset my_

INSERT INTO orders (o_w_id, o_d_id, o_id, o_c_id, o_entry_d, o_ol_cnt, o_all_local)
VALUES (:w_id, :d_id, :my_o_id, :c_id, now(), :ol_cnt, :supply_w = :w_id);
INSERT INTO new_order VALUES (:w_id, :d_id, :my_o_id);

SELECT i_price AS price FROM item WHERE i_id = :i1
\gset i1_
UPDATE stock SET s_quantity = CASE WHEN s_quantity >= :q1 + 10 THEN s_quantity - :q1 ELSE s_quantity - :q1 + 91 END,
       s_ytd = s_ytd + :q1, s_order_cnt = s_order_cnt + 1,
       s_remote_cnt = s_remote_cnt + CASE WHEN :supply_w::int <> :w_id::int THEN 1 ELSE 0 END
 WHERE s_w_id = :supply_w AND s_i_id = :i1;
INSERT INTO order_line VALUES (:w_id, :d_id, :my_o_id, 1, :i1, :supply_w, :q1, :q1 * :i1_price::numeric);

SELECT i_price AS price FROM item WHERE i_id = :i2
\gset i2_
UPDATE stock SET s_quantity = CASE WHEN s_quantity >= :q2 + 10 THEN s_quantity - :q2 ELSE s_quantity - :q2 + 91 END,
       s_ytd = s_ytd + :q2, s_order_cnt = s_order_cnt + 1
 WHERE s_w_id = :w_id AND s_i_id = :i2;
INSERT INTO order_line VALUES (:w_id, :d_id, :my_o_id, 2, :i2, :w_id, :q2, :q2 * :i2_price::numeric);

\if :third = 1
SELECT i_price AS price FROM item WHERE i_id = :i3
\gset i3_
UPDATE stock SET s_quantity = CASE WHEN s_quantity >= :q3 + 10 THEN s_quantity - :q3 ELSE s_quantity - :q3 + 91 END,
       s_ytd = s_ytd + :q3, s_order_cnt = s_order_cnt + 1
 WHERE s_w_id = :w_id AND s_i_id = :i3;
INSERT INTO order_line VALUES (:w_id, :d_id, :my_o_id, 3, :i3, :w_id, :q3, :q3 * :i3_price::numeric);
\endif
COMMIT;
