-- The index for what a moderator asks: what has this user sent lately? Written as one writes it first. It takes
-- ShareLock on events until it is built: members still read their rooms, but nobody can send.
CREATE INDEX events_sender_origin_server_ts_idx ON events (sender, origin_server_ts);
