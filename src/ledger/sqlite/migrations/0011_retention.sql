-- What is kept for how long: mails, results (replies' bytes) and history each end in a time of their own.

-- Since when all of its jobs and replies have ended; NULL before that, and when their rows were dropped.
ALTER TABLE mail ADD COLUMN ended INTEGER;
-- About how many bytes those rows take.
ALTER TABLE mail ADD COLUMN story INTEGER NOT NULL DEFAULT 0;
-- How it ended and the endpoint that decided, once its jobs were dropped: the mail may come again.
ALTER TABLE mail ADD COLUMN verdict TEXT CHECK (verdict IN ('done', 'failed', 'ignored'));
ALTER TABLE mail ADD COLUMN decided TEXT;
-- Bytes of a reply, until they are dropped.
ALTER TABLE reply ADD COLUMN size INTEGER;

UPDATE reply SET size = (SELECT length(bytes) FROM reply_body b WHERE b.job = reply.job);
UPDATE reply SET ended = made WHERE ended IS NULL AND state IN ('sent', 'refused');
UPDATE mail SET ended = ifnull(idle, taken),
  story = (SELECT sum(300 + ifnull(octet_length(detail), 0) + ifnull(octet_length(subject), 0)) FROM job WHERE job.mail = mail.id)
        + (SELECT ifnull(sum(100 + ifnull(octet_length(detail), 0) + ifnull(octet_length(answer), 0) + ifnull(octet_length(trace), 0)), 0) FROM attempt
           WHERE attempt.job IN (SELECT id FROM job WHERE job.mail = mail.id))
WHERE EXISTS (SELECT 1 FROM job WHERE job.mail = mail.id)
  AND NOT EXISTS (SELECT 1 FROM job LEFT JOIN reply ON reply.job = job.id WHERE job.mail = mail.id
    AND (job.state NOT IN ('done', 'failed', 'ignored') OR reply.state IN ('queued', 'running')));

-- Each begins with the time, so that what is oldest comes first, and has the size, so that a sum needs no row.
DROP INDEX mail_idle;
CREATE INDEX mail_idle ON mail (idle, id, size) WHERE idle IS NOT NULL;
CREATE INDEX mail_ended ON mail (ended, id, story) WHERE ended IS NOT NULL;
CREATE INDEX reply_kept ON reply (ended, job, size) WHERE size IS NOT NULL AND state IN ('sent', 'refused');
-- Replies that some did not get, for lists.
CREATE INDEX reply_recipient_refused ON reply_recipient (job) WHERE state = 'refused';
-- A job's row goes only when nothing names it: that is looked up.
CREATE INDEX news_job ON news (job);
CREATE INDEX conversation_job ON conversation (job);

-- What is open again has not ended: nothing of it is dropped until it ends once more.
CREATE TRIGGER job_opens_again AFTER UPDATE OF state ON job
WHEN old.state IN ('done', 'failed', 'ignored') AND new.state NOT IN ('done', 'failed', 'ignored')
BEGIN
  UPDATE mail SET ended = NULL, idle = NULL WHERE id = new.mail;
END;
CREATE TRIGGER job_comes_later AFTER INSERT ON job
WHEN (SELECT ended FROM mail WHERE id = new.mail) IS NOT NULL
BEGIN
  UPDATE mail SET ended = NULL, idle = NULL WHERE id = new.mail;
END;
CREATE TRIGGER reply_opens_again AFTER UPDATE OF state ON reply
WHEN old.state IN ('sent', 'refused') AND new.state IN ('queued', 'running')
BEGIN
  UPDATE mail SET ended = NULL, idle = NULL WHERE id = (SELECT mail FROM job WHERE id = new.job);
END;
