-- A courier scans a parcel.
\pick parcel parcels.id
UPDATE parcels SET status = 'on its way', updated_at = now() WHERE id = :parcel;
