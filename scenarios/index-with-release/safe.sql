-- What the new code needs comes first, by itself, and before the code. What may fail comes after.

CREATE INDEX CONCURRENTLY parcels_tracking_code_idx ON parcels (tracking_code);

-- From here on no new orphans; the old ones are not looked at yet.
SET lock_timeout = '200ms';
ALTER TABLE parcels
    ADD CONSTRAINT parcels_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers (id) NOT VALID;

-- The old ones keep what they knew, apart.
CREATE TABLE orphaned_parcels (
    parcel_id bigint PRIMARY KEY,
    customer_id bigint NOT NULL
);

SET lock_timeout = 0;
WITH orphans AS (
    SELECT p.id, p.customer_id
    FROM parcels p
    WHERE p.customer_id IS NOT NULL AND NOT EXISTS (SELECT FROM customers c WHERE c.id = p.customer_id)
), kept AS (
    INSERT INTO orphaned_parcels (parcel_id, customer_id) SELECT id, customer_id FROM orphans
)
UPDATE parcels p SET customer_id = NULL FROM orphans o WHERE o.id = p.id;

ALTER TABLE parcels VALIDATE CONSTRAINT parcels_customer_id_fkey;
