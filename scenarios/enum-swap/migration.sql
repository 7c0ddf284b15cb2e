BEGIN;
CREATE TYPE order_status_new AS ENUM ('placed', 'paid', 'sent', 'returned');
ALTER TABLE orders ALTER COLUMN status TYPE order_status_new USING status::text::order_status_new;
DROP TYPE order_status;
ALTER TYPE order_status_new RENAME TO order_status;
COMMIT;
