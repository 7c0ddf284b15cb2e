\pick member members.id
SELECT fullname, email FROM members WHERE id = :member;
