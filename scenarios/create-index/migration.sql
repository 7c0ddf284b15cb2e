CREATE INDEX tickets_body_search_idx ON tickets USING gin (to_tsvector('english', body));
