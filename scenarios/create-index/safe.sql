-- It waits for all transactions older than itself, which is in nobody's way: no lock_timeout. Cut off, it leaves an
-- invalid index behind, so a second run must begin by dropping that.
DROP INDEX CONCURRENTLY IF EXISTS tickets_body_search_idx;
CREATE INDEX CONCURRENTLY tickets_body_search_idx ON tickets USING gin (to_tsvector('english', body));
