\pick appointment appointments.id
SELECT title, starts_at FROM appointments WHERE id = :appointment;
