-- Attempts are written one after the other, and their rows are long. In a table with row ids each goes to the end of the last page; in one
-- without, three pages were written anew each time that one of them was full.
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
  trace   TEXT,
  PRIMARY KEY (job, number)
) STRICT;
INSERT INTO attempt_new (job, number, started, ended, outcome, reason, detail, answer, trace)
  SELECT job, number, started, ended, outcome, reason, detail, answer, trace FROM attempt ORDER BY job, number;
DROP TABLE attempt;
ALTER TABLE attempt_new RENAME TO attempt;
