-- A queue in a table, as job libraries keep it.
CREATE TABLE jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue text NOT NULL,
    payload jsonb NOT NULL,
    attempts int NOT NULL DEFAULT 0,
    max_attempts int NOT NULL DEFAULT 3,
    run_at timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'done', 'failed'))
);
CREATE INDEX jobs_ready ON jobs (queue, run_at, id) WHERE state = 'ready';
CREATE TABLE results (job bigint NOT NULL REFERENCES jobs, attempt int NOT NULL, note text, PRIMARY KEY (job, attempt));
INSERT INTO jobs (queue, payload)
SELECT 'mail', jsonb_build_object('to', 'user-' || n || '@example.org') FROM generate_series(1, 100) n;
