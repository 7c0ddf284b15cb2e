-- The same index under ShareUpdateExclusiveLock, beside which events are read and sent.
CREATE INDEX CONCURRENTLY events_sender_origin_server_ts_idx ON events (sender, origin_server_ts);
