\set shop random(1, 200)
SELECT sales, buyers, median_cents FROM shop_totals WHERE shop_id = :shop;
