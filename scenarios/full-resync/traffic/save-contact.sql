-- Somebody records whether a contact may be written to.
\pick contact contacts.id
UPDATE contacts SET consent = true WHERE id = :contact;
