-- Locks no table.
ALTER TYPE order_status ADD VALUE 'returned';

SET lock_timeout = '50ms';
ALTER TABLE orders ADD CONSTRAINT orders_no_draft CHECK (status <> 'draft') NOT VALID;

SET lock_timeout = 0;
ALTER TABLE orders VALIDATE CONSTRAINT orders_no_draft;
