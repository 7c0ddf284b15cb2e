-- A rule finds a value out of its bounds; a clinician acknowledges another alert.
\pick patient patients.id zipf(0.6)
\pick measurement measurements.id
\pick acknowledged alerts.id
\pick clinician clinicians.id
BEGIN;
INSERT INTO alerts (patient_id, measurement_id, severity, message)
VALUES (:patient, :measurement, 'high', 'value out of the bounds set for this patient');
UPDATE alerts SET acknowledged_at = now(), acknowledged_by = :clinician WHERE id = :acknowledged;
COMMIT;
