-- Everything, at once: each contact is written anew and stays locked until the last one is, whether anything about it
-- changed or not. Cancelled half way, all of it was in vain, and the dead rows remain.
UPDATE contacts c
SET email = i.email,
    full_name = i.full_name,
    phone = i.phone,
    segment = i.segment,
    synced_at = now()
FROM contacts_import i
WHERE i.id = c.id;
