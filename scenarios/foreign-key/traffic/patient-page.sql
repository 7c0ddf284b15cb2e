-- A clinician opens a patient: who it is and where, what is alarming, what colleagues wrote, the last value.
\pick patient patients.id zipf(0.6)
SELECT p.given_name, p.family_name, p.born_on, p.status, p.last_seen_at, w.name AS ward, o.name AS organisation
FROM patients p
JOIN wards w ON w.id = p.ward_id
JOIN organisations o ON o.id = p.organisation_id
WHERE p.id = :patient;
SELECT a.id, a.severity, a.message, a.raised_at, m.kind, m.value
FROM alerts a
LEFT JOIN measurements m ON m.id = a.measurement_id
WHERE a.patient_id = :patient
ORDER BY a.raised_at DESC
LIMIT 10;
SELECT n.body, n.created_at, c.full_name
FROM notes n
JOIN clinicians c ON c.id = n.author_id
WHERE n.patient_id = :patient
ORDER BY n.created_at DESC
LIMIT 10;
