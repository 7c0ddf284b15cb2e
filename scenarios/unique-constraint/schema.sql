CREATE TABLE licences (
    id bigint PRIMARY KEY,
    key text NOT NULL,
    seats integer NOT NULL,
    issued_at timestamptz NOT NULL DEFAULT now()
);
