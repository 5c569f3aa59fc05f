-- Many endpoints on one mailbox, and mails that lay there before.

-- Set for mails of a maildrop that are never to be taken.
ALTER TABLE maildrop ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;
