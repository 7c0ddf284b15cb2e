\pick account accounts.id
SELECT balance_cents FROM accounts WHERE id = :account;
SELECT amount_cents, settled FROM entries WHERE account_id = :account LIMIT 20;
