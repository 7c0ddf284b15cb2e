CREATE TABLE customers (
    id bigint PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE orders (
    id bigint PRIMARY KEY,
    customer_id bigint NOT NULL,
    quantity int,
    note text NOT NULL,
    placed_at timestamptz NOT NULL,
    shipped boolean
);
CREATE INDEX orders_placed_at_idx ON orders (placed_at);
