-- What the operator was told and what still holds, so that nobody is told twice. Written after a mail server took the mail.
CREATE TABLE notice (
    key TEXT PRIMARY KEY,
    told INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
