-- The operator's side: the history of attempts, earlier replies of jobs that ran anew, paused endpoints, and what happened.

-- What was decided, asked and answered: JSON.
ALTER TABLE attempt ADD COLUMN trace TEXT;
-- How often an operator had the job run anew after it had ended.
ALTER TABLE job ADD COLUMN rerun INTEGER NOT NULL DEFAULT 0;
-- How the mail ended for a place that had its last touch, and when that was.
ALTER TABLE place ADD COLUMN verdict TEXT;
ALTER TABLE place ADD COLUMN settled INTEGER;

-- Lists are by uuid, which is by time. The second index costs nothing while all goes well.
CREATE INDEX job_of_endpoint ON job (endpoint, uuid);
CREATE INDEX job_in_trouble ON job (state, uuid) WHERE state IN ('deferred', 'waiting', 'failed', 'held');

-- Replies of a job before it ran anew. recipients: a JSON array of what became of each. withdrawn: not everybody had got it.
CREATE TABLE past_reply (
  job        INTEGER NOT NULL REFERENCES job,
  rerun      INTEGER NOT NULL,
  account    TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'refused')),
  withdrawn  INTEGER NOT NULL CHECK (withdrawn IN (0, 1)),
  attempt    INTEGER NOT NULL,
  made       INTEGER NOT NULL,
  ended      INTEGER,
  message_id TEXT NOT NULL,
  recipients TEXT NOT NULL,
  detail     TEXT,
  bytes      BLOB,
  PRIMARY KEY (job, rerun)
) STRICT;
CREATE INDEX past_reply_ended ON past_reply (account, ended) WHERE ended IS NOT NULL;

-- Endpoints of which no job is claimed. action: SHA-256 of the action that said it was gone; another one lifts that pause.
CREATE TABLE pause (
  endpoint TEXT PRIMARY KEY,
  by       TEXT NOT NULL CHECK (by IN ('operator', 'gone')),
  since    INTEGER NOT NULL,
  action   BLOB
) STRICT, WITHOUT ROWID;

-- What happened, for those who follow it: the newest 60,000 at least, and 1024 more at most.
CREATE TABLE event (
  id       INTEGER PRIMARY KEY,
  at       INTEGER NOT NULL,
  kind     TEXT NOT NULL,
  job      INTEGER,
  mail     INTEGER,
  endpoint TEXT,
  attempt  INTEGER,
  reason   TEXT,
  detail   TEXT
) STRICT;

-- Triggers, so that nothing is ever forgotten.
CREATE TRIGGER event_is_old AFTER INSERT ON event WHEN new.id % 1024 = 0
BEGIN
  DELETE FROM event WHERE id <= new.id - 60000;
END;
CREATE TRIGGER event_of_new_job AFTER INSERT ON job
BEGIN
  INSERT INTO event (at, kind, job, endpoint, reason, detail) VALUES (CAST(unixepoch('subsec') * 1000000 AS INTEGER),
    CASE new.state WHEN 'held' THEN 'held' ELSE 'made' END, new.id, new.endpoint, new.reason, substr(new.detail, 1, 200));
END;
CREATE TRIGGER event_of_job AFTER UPDATE OF state ON job WHEN new.state <> old.state AND new.state <> 'running'
BEGIN
  INSERT INTO event (at, kind, job, endpoint, attempt, reason, detail) VALUES (CAST(unixepoch('subsec') * 1000000 AS INTEGER),
    new.state, new.id, new.endpoint, new.attempt, new.reason, substr(new.detail, 1, 200));
END;
CREATE TRIGGER event_of_reply AFTER UPDATE OF state ON reply
WHEN new.state <> old.state AND new.state IN ('sent', 'refused')
BEGIN
  INSERT INTO event (at, kind, job, endpoint, detail)
    SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER), 'reply-' || new.state, new.job, endpoint, substr(new.detail, 1, 200)
    FROM job WHERE id = new.job;
END;
CREATE TRIGGER event_of_place AFTER UPDATE OF touch ON place WHEN new.touch <> old.touch AND new.touch = 'settled'
BEGIN
  INSERT INTO event (at, kind, mail, reason) VALUES (CAST(unixepoch('subsec') * 1000000 AS INTEGER), 'settled', new.mail, new.verdict);
END;
CREATE TRIGGER event_of_pause AFTER INSERT ON pause
BEGIN
  INSERT INTO event (at, kind, endpoint, reason) VALUES (CAST(unixepoch('subsec') * 1000000 AS INTEGER), 'paused', new.endpoint, new.by);
END;
CREATE TRIGGER event_of_resume AFTER DELETE ON pause
BEGIN
  INSERT INTO event (at, kind, endpoint, reason) VALUES (CAST(unixepoch('subsec') * 1000000 AS INTEGER), 'resumed', old.endpoint, old.by);
END;
