\pick contact contacts.id
SELECT email, full_name, phone, segment, consent FROM contacts WHERE id = :contact;
