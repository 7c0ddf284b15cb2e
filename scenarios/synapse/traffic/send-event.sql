-- A member sends a message. The transaction id makes a repeated request harmless.
\fresh event events.event_id
\fresh position events.stream_ordering
\pick room rooms.room_id zipf(0.8)
\pick user users.name zipf(0.6)
BEGIN;
INSERT INTO events (
    event_id, room_id, sender, type, processed, outlier, contains_url, instance_name,
    stream_ordering, topological_ordering, depth, origin_server_ts, received_ts
) VALUES (
    :event, :room, :user, 'm.room.message', true, false, false, 'master',
    :position, :position, :position, extract(epoch FROM now()) * 1000, extract(epoch FROM now()) * 1000
);
INSERT INTO event_json (event_id, room_id, internal_metadata, json, format_version)
VALUES (:event, :room, '{}', '{"content":{"body":"The rehearsal begins at nine.","msgtype":"m.text"}}', 3);
INSERT INTO event_txn_id_device_id (event_id, room_id, user_id, device_id, txn_id, inserted_ts)
SELECT :event, :room, user_id, device_id, 'm' || (:position)::text, extract(epoch FROM now()) * 1000
FROM devices
WHERE user_id = :user
LIMIT 1;
COMMIT;
