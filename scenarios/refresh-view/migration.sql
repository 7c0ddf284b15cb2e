-- Bounds how long it waits for the lock, not how long it holds it.
SET lock_timeout = '2s';

REFRESH MATERIALIZED VIEW shop_totals;
