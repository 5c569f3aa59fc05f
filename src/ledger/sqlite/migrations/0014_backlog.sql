-- Mails that lay in a mailbox before it was watched: they are left there until an operator has them taken.

-- The first look at each mailbox that left its mails, and how far they were listed.
CREATE TABLE backlog (
  mailbox    INTEGER PRIMARY KEY REFERENCES mailbox,
  first_look INTEGER NOT NULL,
  -- The server renumbered the mailbox so often, and once more; rows of the rounds before are what its mails are known by.
  round      INTEGER NOT NULL DEFAULT 1,
  listed     INTEGER NOT NULL DEFAULT 0,
  -- Sessions that began to list them.
  tries      INTEGER NOT NULL DEFAULT 0,
  -- Mails that are left and have no row: too many lie there.
  older      INTEGER NOT NULL DEFAULT 0,
  -- Those that were received since then are taken; NULL: none is.
  take_since INTEGER
) STRICT;

-- A mail that is left, or is to be taken now. key: SHA-256 over what stays of its header when a server renumbers it.
CREATE TABLE backlog_mail (
  mailbox  INTEGER NOT NULL REFERENCES mailbox,
  round    INTEGER NOT NULL,
  uid      INTEGER NOT NULL,
  key      BLOB,
  received INTEGER,
  size     INTEGER NOT NULL,
  sender   TEXT NOT NULL,
  subject  TEXT NOT NULL,
  wanted   INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (mailbox, round, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX backlog_key ON backlog_mail (mailbox, key) WHERE key IS NOT NULL;
CREATE INDEX backlog_wanted ON backlog_mail (mailbox, round, uid) WHERE wanted = 1;

-- A mailbox that waits for a word, or for its first look, and what an operator said of it; take is NULL while nobody did. since: of
-- mails received since then only. What came since the wait began is new whatever is said.
CREATE TABLE backlog_choice (
  mailbox      TEXT PRIMARY KEY,
  take         INTEGER,
  since        INTEGER,
  uid_validity INTEGER,
  uid_next     INTEGER
) STRICT, WITHOUT ROWID;

-- What tells this ledger from another one.
CREATE TABLE installation (
  id BLOB NOT NULL
) STRICT;
INSERT INTO installation (id) VALUES (randomblob(16));
