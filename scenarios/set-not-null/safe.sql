SET lock_timeout = '50ms';
ALTER TABLE bookings ADD CONSTRAINT bookings_complete CHECK (
    guest_id IS NOT NULL AND room_id IS NOT NULL AND arrives_on IS NOT NULL
    AND nights IS NOT NULL AND price_cents IS NOT NULL AND currency IS NOT NULL
) NOT VALID;

-- Reads every row, beside the traffic: ShareUpdateExclusiveLock, for which it may wait without being in anybody's way.
SET lock_timeout = 0;
ALTER TABLE bookings VALIDATE CONSTRAINT bookings_complete;

SET lock_timeout = '50ms';
ALTER TABLE bookings
    ALTER COLUMN guest_id SET NOT NULL,
    ALTER COLUMN room_id SET NOT NULL,
    ALTER COLUMN arrives_on SET NOT NULL,
    ALTER COLUMN nights SET NOT NULL,
    ALTER COLUMN price_cents SET NOT NULL,
    ALTER COLUMN currency SET NOT NULL;
ALTER TABLE bookings DROP CONSTRAINT bookings_complete;
