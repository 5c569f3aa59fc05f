-- A mail may become several jobs at one endpoint: its own, and one for each attachment. The mail's own job waits for the others.

-- A column with another CHECK takes the place of the old one; the indexes that name it are made again below.
DROP INDEX job_once;
DROP INDEX job_due;
DROP INDEX job_running;
ALTER TABLE job ADD COLUMN stands TEXT NOT NULL DEFAULT 'queued'
  CHECK (stands IN ('queued', 'running', 'deferred', 'waiting', 'done', 'failed', 'held', 'ignored'));
UPDATE job SET stands = state;
ALTER TABLE job DROP COLUMN state;
ALTER TABLE job RENAME COLUMN stands TO state;

-- The number of the part that a job is of, from 1; 0: the mail as a whole.
ALTER TABLE job ADD COLUMN part INTEGER NOT NULL DEFAULT 0;
-- In how many parts the mail was split; 0: it was not.
ALTER TABLE job ADD COLUMN parts INTEGER NOT NULL DEFAULT 0;
-- Of a part: the attachment's index among all of the mail, from 0, and its safe name.
ALTER TABLE job ADD COLUMN attachment INTEGER;
ALTER TABLE job ADD COLUMN attachment_name TEXT;

CREATE UNIQUE INDEX job_once ON job (mail, endpoint, part);
CREATE INDEX job_due ON job (endpoint, due) WHERE state IN ('queued', 'deferred');
CREATE INDEX job_running ON job (endpoint, interrupted) WHERE state = 'running';

-- What a part's action answered, until the mail's own job has gathered it. data: JSON.
CREATE TABLE part_answer (
  job  INTEGER PRIMARY KEY REFERENCES job,
  text TEXT,
  tell TEXT,
  data TEXT
) STRICT;

-- Its files, in their order.
CREATE TABLE part_file (
  job        INTEGER NOT NULL REFERENCES part_answer,
  number     INTEGER NOT NULL,
  name       TEXT NOT NULL,
  media_type TEXT NOT NULL,
  data       BLOB NOT NULL,
  PRIMARY KEY (job, number)
) STRICT;

-- An attempt may end in a split.
CREATE TABLE attempt_new (
  job     INTEGER NOT NULL REFERENCES job,
  number  INTEGER NOT NULL,
  started INTEGER,
  ended   INTEGER NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('done', 'retry', 'failed', 'held', 'ignored', 'interrupted', 'split')),
  reason  TEXT,
  detail  TEXT,
  -- The text of the action's answer.
  answer  TEXT,
  PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;
INSERT INTO attempt_new SELECT job, number, started, ended, outcome, reason, detail, answer FROM attempt;
DROP TABLE attempt;
ALTER TABLE attempt_new RENAME TO attempt;
