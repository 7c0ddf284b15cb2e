-- What PostgreSQL 17 and 18 brought.

CREATE TABLE app.computed (
    id int PRIMARY KEY,
    net numeric(8,2) NOT NULL,
    gross numeric GENERATED ALWAYS AS (net * 1.19) VIRTUAL
);

-- A key over time: no two prices of an article hold on one day.
CREATE TABLE app.prices (
    article int NOT NULL,
    during daterange NOT NULL,
    price numeric(8,2) NOT NULL,
    PRIMARY KEY (article, during WITHOUT OVERLAPS)
);

CREATE TABLE app.promises (
    id int PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES app.users (id) NOT ENFORCED,
    kept boolean NOT NULL CHECK (kept) NOT ENFORCED
);

-- NOT NULL is a constraint with a name, and may be NOT VALID.
CREATE TABLE app.required (id int PRIMARY KEY, value int, CONSTRAINT value_required NOT NULL value);
ALTER TABLE app.required ADD COLUMN later int;
ALTER TABLE app.required ADD CONSTRAINT later_required NOT NULL later NOT VALID;

CREATE TABLE app.identified (id bigint GENERATED ALWAYS AS IDENTITY, at timestamptz NOT NULL, PRIMARY KEY (id, at))
    PARTITION BY RANGE (at);    -- An identity of a partitioned table.
CREATE TABLE app.identified_all PARTITION OF app.identified DEFAULT;
