\pick member members.id
UPDATE members SET fullname = 'Corrected Name' WHERE id = :member;
