-- Each must be true after :transactions transactions, whatever their random numbers were.
SELECT count(*) = :transactions FROM orders;
SELECT count(*) = :transactions FROM new_order;
SELECT sum(d_next_o_id - 1) = :transactions FROM district;
SELECT count(*) = 0 FROM district d WHERE d_next_o_id - 1 <> (SELECT count(*) FROM orders WHERE o_w_id = d_w_id AND o_d_id = d_id);
SELECT (SELECT sum(o_ol_cnt) FROM orders) = (SELECT count(*) FROM order_line);
SELECT (SELECT sum(s_ytd) FROM stock) = (SELECT sum(ol_quantity) FROM order_line);
SELECT (SELECT sum(s_order_cnt) FROM stock) = (SELECT count(*) FROM order_line);
SELECT (SELECT sum(s_remote_cnt) FROM stock) = (SELECT count(*) FROM orders WHERE NOT o_all_local);
SELECT count(*) = 0 FROM order_line JOIN item ON i_id = ol_i_id WHERE ol_amount <> ol_quantity * i_price;
SELECT count(DISTINCT o_ol_cnt) = 2 FROM orders;
SELECT count(DISTINCT o_all_local) = 2 FROM orders;
