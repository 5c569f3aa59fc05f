-- The first schema. Times are microseconds since 1970, UTC. Names of states are those of the code.

-- Where mail comes from, and how far each was read.
CREATE TABLE mailbox (
  id           INTEGER PRIMARY KEY,
  name         TEXT NOT NULL UNIQUE,
  uid_validity INTEGER NOT NULL,
  uid_next     INTEGER NOT NULL
) STRICT;

-- One row for each content that was seen in a mailbox. Its job is made with it.
CREATE TABLE mail (
  id         INTEGER PRIMARY KEY,
  mailbox    INTEGER NOT NULL REFERENCES mailbox,
  sha256     BLOB NOT NULL,
  header_key BLOB,
  size       INTEGER NOT NULL,
  received   INTEGER,
  taken      INTEGER NOT NULL,
  -- Since when nobody needs the bytes; NULL before that, and when they were dropped.
  idle       INTEGER
) STRICT;
CREATE UNIQUE INDEX mail_content ON mail (mailbox, sha256);
CREATE INDEX mail_header_key ON mail (mailbox, header_key) WHERE header_key IS NOT NULL;
CREATE INDEX mail_idle ON mail (idle) WHERE idle IS NOT NULL;

-- A mail's bytes: id is the mail's id * 65536 + the piece's number, so one tree has them in order and needs no index.
CREATE TABLE chunk (
  id   INTEGER PRIMARY KEY,
  data BLOB NOT NULL
) STRICT;

-- Mails whose bytes come in piece by piece; the row goes when the mail is taken.
CREATE TABLE upload (
  mail    INTEGER PRIMARY KEY,
  uuid    BLOB NOT NULL UNIQUE,
  started INTEGER NOT NULL
) STRICT;

-- Where mails were seen. touch: what is left to do there once the mail has ended.
CREATE TABLE place (
  mailbox      INTEGER NOT NULL REFERENCES mailbox,
  uid_validity INTEGER NOT NULL,
  uid          INTEGER NOT NULL,
  mail         INTEGER NOT NULL REFERENCES mail,
  touch        TEXT NOT NULL CHECK (touch IN ('waiting', 'done', 'failed', 'ignored', 'settled')),
  PRIMARY KEY (mailbox, uid_validity, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX place_mail ON place (mail);
CREATE INDEX place_due ON place (mailbox, uid_validity, uid) WHERE touch IN ('done', 'failed', 'ignored');

-- One mail at one endpoint. reason and detail are the latest attempt's.
CREATE TABLE job (
  id          INTEGER PRIMARY KEY,
  uuid        BLOB NOT NULL UNIQUE,
  mail        INTEGER NOT NULL REFERENCES mail,
  endpoint    TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state IN ('queued', 'running', 'deferred', 'done', 'failed', 'held', 'ignored')),
  due         INTEGER NOT NULL,
  attempt     INTEGER NOT NULL DEFAULT 0,
  retries     INTEGER NOT NULL DEFAULT 0,
  interrupted INTEGER NOT NULL DEFAULT 0,
  started     INTEGER,
  reason      TEXT,
  detail      TEXT,
  sender      TEXT,
  subject     TEXT,
  message_id  TEXT,
  -- Why there is no reply.
  silent      TEXT
) STRICT;
CREATE UNIQUE INDEX job_once ON job (mail, endpoint);
CREATE INDEX job_due ON job (endpoint, due) WHERE state IN ('queued', 'deferred');
CREATE INDEX job_running ON job (endpoint, interrupted) WHERE state = 'running';

-- Every attempt that ended, or that the process died in.
CREATE TABLE attempt (
  job     INTEGER NOT NULL REFERENCES job,
  number  INTEGER NOT NULL,
  started INTEGER,
  ended   INTEGER NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('done', 'retry', 'failed', 'held', 'ignored', 'interrupted')),
  reason  TEXT,
  detail  TEXT,
  -- The text of the action's answer.
  answer  TEXT,
  PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

-- The reply that a job caused. recipients: a JSON array.
CREATE TABLE reply (
  job        INTEGER PRIMARY KEY REFERENCES job,
  account    TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('queued', 'running', 'sent', 'refused')),
  due        INTEGER NOT NULL,
  attempt    INTEGER NOT NULL DEFAULT 0,
  made       INTEGER NOT NULL,
  message_id TEXT NOT NULL,
  sender     TEXT NOT NULL,
  recipients TEXT NOT NULL,
  detail     TEXT
) STRICT;
CREATE INDEX reply_due ON reply (account, due) WHERE state = 'queued';
CREATE INDEX reply_running ON reply (account) WHERE state = 'running';

-- A reply's bytes, apart, so that a change of state does not write them again.
CREATE TABLE reply_body (
  job   INTEGER PRIMARY KEY REFERENCES reply,
  bytes BLOB NOT NULL
) STRICT;

-- Rotated refresh tokens.
CREATE TABLE token (
  account       TEXT PRIMARY KEY,
  refresh_token TEXT NOT NULL,
  origin        BLOB NOT NULL,
  stored        INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
