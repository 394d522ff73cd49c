-- 100,000 sales, one each minute, unless there are some.
INSERT INTO sales (transaction_id, store_id, amount, sold_at)
WITH digits AS (
  SELECT 0 AS d FROM dual UNION ALL SELECT 1 FROM dual UNION ALL SELECT 2 FROM dual UNION ALL SELECT 3 FROM dual
  UNION ALL SELECT 4 FROM dual UNION ALL SELECT 5 FROM dual UNION ALL SELECT 6 FROM dual UNION ALL SELECT 7 FROM dual
  UNION ALL SELECT 8 FROM dual UNION ALL SELECT 9 FROM dual
),
numbers AS (
  SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d AS n
  FROM digits a CROSS JOIN digits b CROSS JOIN digits c CROSS JOIN digits e CROSS JOIN digits f
)
SELECT n + 1, MOD(n, 40) + 1, MOD(n * 37, 100000) / 100, TIMESTAMP '2026-01-01 00:00:00' + INTERVAL '1' MINUTE * n
FROM numbers
WHERE NOT EXISTS (SELECT 1 FROM sales);

COMMIT;
