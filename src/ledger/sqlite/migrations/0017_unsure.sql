-- Replies of which nobody knows whether the server has them: it lost its answer to the end of the mail too often. They count as queued, so
-- that their mails are not settled, and are not due before an operator has decided.

-- How often the answer was lost.
ALTER TABLE reply ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
-- Whether an operator has to decide.
ALTER TABLE reply ADD COLUMN unsure INTEGER NOT NULL DEFAULT 0 CHECK (unsure IN (0, 1));
CREATE INDEX reply_unsure ON reply (job) WHERE unsure = 1;

CREATE TRIGGER event_of_unsure_reply AFTER UPDATE OF unsure ON reply
WHEN new.unsure = 1 AND old.unsure = 0
BEGIN
  INSERT INTO event (at, kind, job, endpoint, detail)
    SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER), 'reply-unsure', new.job, endpoint, substr(new.detail, 1, 200)
    FROM job WHERE id = new.job;
END;
