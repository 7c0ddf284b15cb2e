-- The new page: where is my parcel?
\pick code parcels.tracking_code
SELECT status, address, updated_at FROM parcels WHERE tracking_code = :code;
