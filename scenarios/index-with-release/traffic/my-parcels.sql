\pick customer customers.id
SELECT id, tracking_code, status FROM parcels WHERE customer_id = :customer ORDER BY id DESC LIMIT 20;
