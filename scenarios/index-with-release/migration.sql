-- What was released together with the page that finds a parcel by its code. The foreign key dies on parcels whose
-- customer is gone, so the index is never made.

ALTER TABLE parcels
    ADD CONSTRAINT parcels_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers (id);

CREATE INDEX CONCURRENTLY parcels_tracking_code_idx ON parcels (tracking_code);
