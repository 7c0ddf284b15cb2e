-- Two warehouses of the order-entry benchmark, at a hundredth of its size.
CREATE TABLE warehouse (w_id int PRIMARY KEY, w_tax numeric(4, 4) NOT NULL);
CREATE TABLE district (
    d_w_id int NOT NULL REFERENCES warehouse,
    d_id int NOT NULL,
    d_tax numeric(4, 4) NOT NULL,
    d_next_o_id int NOT NULL,
    PRIMARY KEY (d_w_id, d_id)
);
CREATE TABLE customer (
    c_w_id int NOT NULL,
    c_d_id int NOT NULL,
    c_id int NOT NULL,
    c_discount numeric(4, 4) NOT NULL,
    c_last text NOT NULL,
    c_credit char(2) NOT NULL,
    PRIMARY KEY (c_w_id, c_d_id, c_id),
    FOREIGN KEY (c_w_id, c_d_id) REFERENCES district
);
CREATE TABLE item (i_id int PRIMARY KEY, i_name text NOT NULL, i_price numeric(5, 2) NOT NULL);
CREATE TABLE stock (
    s_w_id int NOT NULL REFERENCES warehouse,
    s_i_id int NOT NULL REFERENCES item,
    s_quantity int NOT NULL,
    s_ytd int NOT NULL DEFAULT 0,
    s_order_cnt int NOT NULL DEFAULT 0,
    s_remote_cnt int NOT NULL DEFAULT 0,
    PRIMARY KEY (s_w_id, s_i_id)
);
CREATE TABLE orders (
    o_w_id int NOT NULL,
    o_d_id int NOT NULL,
    o_id int NOT NULL,
    o_c_id int NOT NULL,
    o_entry_d timestamptz NOT NULL,
    o_ol_cnt int NOT NULL,
    o_all_local boolean NOT NULL,
    PRIMARY KEY (o_w_id, o_d_id, o_id),
    FOREIGN KEY (o_w_id, o_d_id, o_c_id) REFERENCES customer
);
CREATE TABLE new_order (
    no_w_id int NOT NULL,
    no_d_id int NOT NULL,
    no_o_id int NOT NULL,
    PRIMARY KEY (no_w_id, no_d_id, no_o_id)
);
CREATE TABLE order_line (
    ol_w_id int NOT NULL,
    ol_d_id int NOT NULL,
    ol_o_id int NOT NULL,
    ol_number int NOT NULL,
    ol_i_id int NOT NULL REFERENCES item,
    ol_supply_w_id int NOT NULL,
    ol_quantity int NOT NULL,
    ol_amount numeric(7, 2) NOT NULL,
    PRIMARY KEY (ol_w_id, ol_d_id, ol_o_id, ol_number)
);
INSERT INTO warehouse SELECT w, 0.05 FROM generate_series(1, 2) w;
INSERT INTO district SELECT w, d, 0.1, 1 FROM generate_series(1, 2) w, generate_series(1, 10) d;
INSERT INTO customer
SELECT w, d, c, 0.02, 'customer ' || c, CASE WHEN c % 10 = 0 THEN 'BC' ELSE 'GC' END
FROM generate_series(1, 2) w, generate_series(1, 10) d, generate_series(1, 30) c;
INSERT INTO item SELECT i, 'item ' || i, 1 + i % 100 FROM generate_series(1, 1000) i;
INSERT INTO stock SELECT w, i, 50 FROM generate_series(1, 2) w, generate_series(1, 1000) i;
