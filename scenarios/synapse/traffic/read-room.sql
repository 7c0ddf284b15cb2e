-- A member scrolls back in a room.
\pick room rooms.room_id zipf(0.8)
\pick position events.stream_ordering
SELECT event_id, topological_ordering, stream_ordering
FROM events
WHERE room_id = :room AND stream_ordering <= :position AND NOT outlier
ORDER BY stream_ordering DESC
LIMIT 20;
