-- What PostgreSQL 15 brought.

CREATE TABLE app.rounded (
    id int PRIMARY KEY,
    hundreds numeric(3,-2) NOT NULL,    -- A scale below 0, and one above the precision.
    thousandths numeric(2,5) NOT NULL
);

CREATE TABLE app.null_is_a_value (
    id int PRIMARY KEY,
    tenant_id int REFERENCES app.tenants,
    name text,
    UNIQUE NULLS NOT DISTINCT (tenant_id, name)
);

-- Only the one column goes when its user does.
CREATE TABLE app.likes (
    id int PRIMARY KEY,
    tenant_id int NOT NULL REFERENCES app.tenants,
    user_id bigint,
    FOREIGN KEY (tenant_id, user_id) REFERENCES app.users (tenant_id, id) ON DELETE SET NULL (user_id)
);
