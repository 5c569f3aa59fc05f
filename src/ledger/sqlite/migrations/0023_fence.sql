-- Whatever has an owner has a fence: a number that each taking raises, and that each write about it carries. An upload is taken once, and its
-- UUID is that number.
ALTER TABLE job ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;
ALTER TABLE reply ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;
-- What is had by its name: a mailbox that is watched, a sign-in whose token is refreshed. A row stays when its owner goes, with its number.
CREATE TABLE lease (
  id    INTEGER PRIMARY KEY,
  kind  TEXT NOT NULL,
  name  TEXT NOT NULL,
  owner INTEGER,
  fence INTEGER NOT NULL,
  until INTEGER NOT NULL,
  -- How people are told of the owner.
  who   TEXT NOT NULL,
  UNIQUE (kind, name)
) STRICT;
-- The processes that live, and whether they have said which endpoints their files name.
CREATE TABLE owner (
  id    INTEGER PRIMARY KEY,
  who   TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER NOT NULL,
  said  INTEGER NOT NULL
) STRICT;
CREATE TABLE owner_endpoint (
  owner    INTEGER NOT NULL,
  mailbox  TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  PRIMARY KEY (owner, mailbox, endpoint)
) STRICT, WITHOUT ROWID;
