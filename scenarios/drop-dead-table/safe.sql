SET lock_timeout = '50ms';
ALTER TABLE legacy_tokens DROP CONSTRAINT legacy_tokens_user_id_fkey;
DROP TABLE legacy_tokens;
