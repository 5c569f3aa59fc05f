-- Replies: what became of each recipient; and what happened since the operator was told.

-- A recipient without a row is as its reply is: open while that is queued or running, else sent or refused.
CREATE TABLE reply_recipient (
  job     INTEGER NOT NULL REFERENCES reply,
  address TEXT NOT NULL,
  state   TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'refused')),
  -- The server's words.
  said    TEXT NOT NULL,
  PRIMARY KEY (job, address)
) STRICT, WITHOUT ROWID;

-- When the server last took a reply or refused it: how many were sent in a time.
ALTER TABLE reply ADD COLUMN ended INTEGER;
-- When an operator had it tried again: the days until it is given up count from there.
ALTER TABLE reply ADD COLUMN revived INTEGER;
CREATE INDEX reply_ended ON reply (account, ended) WHERE ended IS NOT NULL;
CREATE INDEX reply_refused ON reply (job) WHERE state = 'refused';

-- What the operator is to be told of jobs; a row goes when a mail server has taken the mail that tells of it.
CREATE TABLE news (
  id   INTEGER PRIMARY KEY,
  job  INTEGER NOT NULL REFERENCES job,
  kind TEXT NOT NULL CHECK (kind IN ('held', 'failed', 'refused', 'paused')),
  at   INTEGER NOT NULL
) STRICT;

-- Triggers, so that no way into these states is ever forgotten.
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
-- A webhook that is gone (410) pauses its endpoint: the job that was told so waits.
CREATE TRIGGER job_is_paused AFTER UPDATE OF state ON job
WHEN new.state = 'deferred' AND new.reason = 'status-410'
BEGIN
  INSERT INTO news (job, kind, at) VALUES (new.id, 'paused', CAST(unixepoch('subsec') * 1000000 AS INTEGER));
END;
