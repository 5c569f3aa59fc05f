-- Probes of ours that lie in a mailbox: small mails that ask for a second ledger there. Whoever watches it next deletes them.
CREATE TABLE probe (
  mailbox      TEXT NOT NULL,
  uid_validity INTEGER NOT NULL,
  uid          INTEGER NOT NULL,
  PRIMARY KEY (mailbox, uid_validity, uid)
) STRICT, WITHOUT ROWID;
