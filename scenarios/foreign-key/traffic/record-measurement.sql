-- A device delivers a value, and the patient was just seen.
\pick patient patients.id zipf(0.6)
\pick device devices.id
\pick kind measurements.kind
\set tenths random(350, 1800)
\set delay random(0, 5000)
BEGIN;
INSERT INTO measurements (patient_id, device_id, kind, value, unit, taken_at)
VALUES (:patient, :device, :kind, :tenths / 10.0, 'SI', now() - :delay * interval '1 millisecond');
UPDATE patients SET last_seen_at = now() WHERE id = :patient;
COMMIT;
