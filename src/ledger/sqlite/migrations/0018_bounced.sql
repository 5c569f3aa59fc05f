-- Replies that a server took and that came back later: a bounce named their Message-ID. The reply stays sent, so that nobody sends it again by
-- himself, and says when it came back.

-- When a bounce of it came that left nobody who has got it.
ALTER TABLE reply ADD COLUMN bounced INTEGER;
-- When one came that named this recipient; said has its words.
ALTER TABLE reply_recipient ADD COLUMN bounced INTEGER;
-- The same for a reply of an earlier run.
ALTER TABLE past_reply ADD COLUMN bounced INTEGER;
CREATE INDEX reply_bounced ON reply (job) WHERE bounced IS NOT NULL;
CREATE INDEX reply_recipient_bounced ON reply_recipient (job) WHERE bounced IS NOT NULL;
