-- Mails of a maildrop that share their name: a server may give one id to many, or again to another. Which is which, their bytes tell.
CREATE TABLE maildrop_mail (
  mailbox    INTEGER NOT NULL REFERENCES mailbox,
  uid        INTEGER NOT NULL,
  uidl       TEXT NOT NULL,
  size       INTEGER NOT NULL,
  -- Set for mails that are never to be taken.
  skipped    INTEGER NOT NULL DEFAULT 0,
  -- What was read of the header of a mail of which we hold nothing.
  header_key BLOB,
  PRIMARY KEY (mailbox, uid)
) STRICT, WITHOUT ROWID;
INSERT INTO maildrop_mail (mailbox, uid, uidl, size, skipped) SELECT mailbox, uid, uidl, size, skipped FROM maildrop;
DROP TABLE maildrop;
ALTER TABLE maildrop_mail RENAME TO maildrop;
CREATE INDEX maildrop_name ON maildrop (mailbox, uidl, size);
