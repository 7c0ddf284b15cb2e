-- No job is worked on twice at a time, and none gets lost.
SELECT (SELECT sum(attempts) FROM jobs) = (SELECT count(*) FROM results);
SELECT count(*) = 0 FROM jobs j WHERE attempts <> (SELECT count(*) FROM results WHERE job = j.id);
SELECT count(*) = 0 FROM jobs j WHERE state = 'done' AND 1 <> (SELECT count(*) FROM results WHERE job = j.id AND note IS NULL);
SELECT count(*) = 0 FROM jobs WHERE state = 'failed' AND attempts <> max_attempts;
SELECT count(*) BETWEEN 1 AND :transactions FROM results;
SELECT count(*) > 100 FROM jobs;
SELECT count(*) > 0 FROM results WHERE note = 'failed';
SELECT count(*) > 0 FROM jobs WHERE state = 'done';
