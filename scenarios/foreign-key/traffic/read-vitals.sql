-- The monitor's curve: a patient's latest values.
\pick patient patients.id zipf(0.6)
SELECT kind, value, unit, quality, taken_at
FROM measurements
WHERE patient_id = :patient
ORDER BY taken_at DESC
LIMIT 50;
