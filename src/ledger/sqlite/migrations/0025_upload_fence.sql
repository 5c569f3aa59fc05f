-- Half a mail is of one watch of its mailbox: once another has followed that, no piece of it is stored and it is not taken. What is there when
-- this is run is nobody's, and goes when its time is over.
ALTER TABLE upload ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;
