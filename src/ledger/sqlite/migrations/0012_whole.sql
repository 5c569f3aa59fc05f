-- Whether we hold all bytes of a mail. What is not the mail is kept from all who would take it for the mail: it is not kept at all.

-- Why we don't hold all of its bytes, in words: then it has no piece, and no hash. NULL: we do, or did until retention was over.
ALTER TABLE mail ADD COLUMN lacks TEXT;
-- Its size as the server tells it: two mails with the same bytes and other sizes are not known to be one.
ALTER TABLE mail ADD COLUMN told INTEGER;
-- Since when an operator wants its bytes fetched again.
ALTER TABLE mail ADD COLUMN wanted INTEGER;

-- Mails without a byte have the same hash and are not the same mail: it is looked up, and not unique.
DROP INDEX mail_content;
CREATE INDEX mail_content ON mail (mailbox, sha256);
CREATE INDEX mail_wanted ON mail (mailbox, id) WHERE wanted IS NOT NULL;

-- What older versions kept of mails that they had not received whole. In place of one that the server did not deliver they kept a line.
UPDATE mail SET lacks = 'the server did not deliver it'
WHERE size BETWEEN 20 AND 200
  AND EXISTS (SELECT 1 FROM chunk WHERE id = mail.id * 65536 AND substr(data, 1, 17) = CAST('X-Not-Delivered: ' AS BLOB));
-- Of one that was too large they kept what they had read, and its job was born held: that is what its first event says.
UPDATE mail SET lacks = 'it was larger than the mailbox''s limit when it came'
WHERE lacks IS NULL AND id IN (
  SELECT j.mail FROM job j WHERE j.state = 'held' AND j.attempt = 0 AND j.reason IN ('too-large', 'unreadable')
  UNION
  SELECT j.mail FROM event e JOIN job j ON j.id = e.job JOIN mail m ON m.id = j.mail
  WHERE e.kind = 'held' AND e.attempt IS NULL AND abs(e.at - m.taken) < 60000000);
-- Where it is being worked on in parts, that goes on.
UPDATE mail SET lacks = NULL
WHERE lacks IS NOT NULL AND EXISTS (SELECT 1 FROM job p WHERE p.mail = mail.id AND p.part > 0 AND p.state NOT IN ('done', 'failed', 'ignored'));

DELETE FROM chunk WHERE id IN (
  SELECT c.id FROM mail m JOIN chunk c ON c.id BETWEEN m.id * 65536 AND m.id * 65536 + 65535 WHERE m.lacks IS NOT NULL);
UPDATE mail SET sha256 = x'', idle = NULL WHERE lacks IS NOT NULL;
UPDATE job SET state = 'held', reason = 'unreadable',
  detail = 'the mail was never received whole: mailjob jobs retry has it fetched again'
WHERE state IN ('queued', 'running', 'deferred') AND mail IN (SELECT id FROM mail WHERE lacks IS NOT NULL);
-- One whose last touch was due stays where it is, as it is: we have not read it.
UPDATE place SET touch = 'settled', verdict = NULL
WHERE touch IN ('done', 'failed', 'ignored') AND mail IN (SELECT id FROM mail WHERE lacks IS NOT NULL);
