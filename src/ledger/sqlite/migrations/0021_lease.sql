-- Who works on what, and until when. An owner is one start of a process; what has passed its end is anybody's again. What runs has both; with
-- the number of its attempt the owner is its fence. What an older Mailjob left is nobody's, and its time is over.
ALTER TABLE job ADD COLUMN owner INTEGER;
ALTER TABLE job ADD COLUMN until INTEGER;
UPDATE job SET owner = 0, until = 0 WHERE state = 'running';
ALTER TABLE reply ADD COLUMN owner INTEGER;
ALTER TABLE reply ADD COLUMN until INTEGER;
UPDATE reply SET owner = 0, until = 0 WHERE state = 'running';
-- Half a mail is its owner's too, and goes with his lease.
ALTER TABLE upload ADD COLUMN owner INTEGER NOT NULL DEFAULT 0;
ALTER TABLE upload ADD COLUMN until INTEGER NOT NULL DEFAULT 0;
