-- What is new since the client asked last.
\pick position events.stream_ordering
SELECT event_id, room_id, type, sender, origin_server_ts
FROM events
WHERE stream_ordering > :position
ORDER BY stream_ordering
LIMIT 50;
