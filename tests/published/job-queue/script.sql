/* One turn of a worker: enqueue a job now and then, take one if there is one,
   work, and mark it done, or put it back. */
\set adds random(1, 100) <= 30
\set fails random(1, 100) <= 10
\set user random_exponential(1, 100000, 5.0)
\if :adds
INSERT INTO jobs (queue, payload) VALUES ('mail', jsonb_build_object('to', 'user-' || :user::int || '@example.org'));
\endif
\set job 0
\set attempt 0
BEGIN;
SELECT id AS job, attempts + 1 AS attempt
  FROM jobs
 WHERE queue = 'mail' AND state = 'ready' AND run_at <= now()
 ORDER BY run_at, id
 LIMIT 1
   FOR UPDATE SKIP LOCKED \aset
\if :job > 0
  \sleep 200 us
  \if :fails
UPDATE jobs SET attempts = attempts + 1,
       state = CASE WHEN attempts + 1 >= max_attempts THEN 'failed' ELSE 'ready' END
 WHERE id = :job;
INSERT INTO results VALUES (:job, :attempt, 'failed');
  \else
UPDATE jobs SET attempts = attempts + 1, state = 'done' WHERE id = :job;
INSERT INTO results VALUES (:job, :attempt, NULL);
  \endif
\endif
END;
