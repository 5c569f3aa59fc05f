-- Mails that a POP3 server lists, by their unique id and size. Each has a number, which stands for its UID in place.
CREATE TABLE maildrop (
  mailbox INTEGER NOT NULL REFERENCES mailbox,
  uidl    TEXT NOT NULL,
  size    INTEGER NOT NULL,
  uid     INTEGER NOT NULL,
  PRIMARY KEY (mailbox, uidl, size)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX maildrop_uid ON maildrop (mailbox, uid);
