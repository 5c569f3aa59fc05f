-- A done job whose answer can't be used is news: it has a reason. What kinds of news there are, the program knows.

CREATE TABLE news_anew (
  id   INTEGER PRIMARY KEY,
  job  INTEGER NOT NULL REFERENCES job,
  kind TEXT NOT NULL,
  at   INTEGER NOT NULL
) STRICT;
INSERT INTO news_anew (id, job, kind, at) SELECT id, job, kind, at FROM news;
DROP TRIGGER job_ends_badly;
DROP TRIGGER job_is_born_held;
DROP TRIGGER job_is_paused;
DROP TABLE news;
ALTER TABLE news_anew RENAME TO news;
CREATE INDEX news_job ON news (job);

CREATE TRIGGER job_ends_badly AFTER UPDATE OF state ON job
WHEN new.state IN ('held', 'failed') AND old.state <> new.state
BEGIN
  INSERT INTO news (job, kind, at) VALUES (new.id, new.state, CAST(unixepoch('subsec') * 1000000 AS INTEGER));
END;
CREATE TRIGGER job_is_born_held AFTER INSERT ON job
WHEN new.state = 'held'
BEGIN
  INSERT INTO news (job, kind, at) VALUES (new.id, new.state, CAST(unixepoch('subsec') * 1000000 AS INTEGER));
END;
CREATE TRIGGER job_is_paused AFTER UPDATE OF state ON job
WHEN new.state = 'deferred' AND new.reason = 'status-410'
BEGIN
  INSERT INTO news (job, kind, at) VALUES (new.id, 'paused', CAST(unixepoch('subsec') * 1000000 AS INTEGER));
END;
CREATE TRIGGER job_is_done_without_an_answer AFTER UPDATE OF state ON job
WHEN new.state = 'done' AND old.state <> new.state AND new.reason IS NOT NULL
BEGIN
  INSERT INTO news (job, kind, at) VALUES (new.id, 'unusable', CAST(unixepoch('subsec') * 1000000 AS INTEGER));
END;
