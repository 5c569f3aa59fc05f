-- Replies that may be answered. key: SHA-256 of the token; allowed, data: JSON; endpoint: of the job that an answer becomes.
CREATE TABLE conversation (
  key      BLOB PRIMARY KEY,
  job      INTEGER NOT NULL REFERENCES job,
  endpoint TEXT NOT NULL,
  allowed  TEXT NOT NULL,
  -- Answers that are accepted, at most.
  most     INTEGER NOT NULL,
  -- How many answers led to it.
  depth    INTEGER NOT NULL,
  data     TEXT,
  created  INTEGER NOT NULL,
  expires  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX conversation_expires ON conversation (expires);

-- Jobs that were accepted as answers. One that fails in the end leaves its place to another.
CREATE TABLE conversation_answer (
  job      INTEGER PRIMARY KEY REFERENCES job,
  key      BLOB NOT NULL REFERENCES conversation ON DELETE CASCADE,
  accepted INTEGER NOT NULL
) STRICT;
CREATE INDEX conversation_answer_key ON conversation_answer (key);
