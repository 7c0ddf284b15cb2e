-- The page is made while its connection is held: so many of the pool's are in use, and have prepared the statement.
\pick voucher vouchers.id
SELECT code, value_cents, redeemed_at FROM vouchers WHERE id = :voucher;
\sleep 60 ms
