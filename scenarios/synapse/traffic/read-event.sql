-- One event with its content: a reply's original, a notification, a link into a room.
\pick event events.event_id
SELECT e.event_id, e.stream_ordering, e.room_id, e.sender, e.type, e.rejection_reason, j.json
FROM events e
JOIN event_json j ON j.event_id = e.event_id
WHERE e.event_id = :event;
