ALTER TABLE members RENAME COLUMN fullname TO full_name;
