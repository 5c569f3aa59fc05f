//! What the rules write of what happened, held against triggers that see each change of a state, as the schema had them before: whatever a
//! test does, both say the same.

use rusqlite::Connection;

/// What follows from each change of a row, beside what the rules write: the triggers of the schemas 7 to 20.
const TRIGGERS: &str = "
CREATE TABLE expected (what TEXT, kind TEXT, job INTEGER, mail INTEGER, endpoint TEXT, attempt INTEGER, reason TEXT, detail TEXT);
CREATE TABLE written (what TEXT, kind TEXT, job INTEGER, mail INTEGER, endpoint TEXT, attempt INTEGER, reason TEXT, detail TEXT);
CREATE TRIGGER expected_made AFTER INSERT ON job BEGIN
  INSERT INTO expected VALUES ('event', CASE new.state WHEN 'held' THEN 'held' ELSE 'made' END, new.id, NULL, new.endpoint, NULL, new.reason, substr(new.detail, 1, 200));
END;
CREATE TRIGGER expected_born_held AFTER INSERT ON job WHEN new.state = 'held' BEGIN
  INSERT INTO expected (what, kind, job) VALUES ('news', 'held', new.id);
END;
CREATE TRIGGER expected_job AFTER UPDATE OF state ON job WHEN new.state <> old.state AND new.state <> 'running' BEGIN
  INSERT INTO expected VALUES ('event', new.state, new.id, NULL, new.endpoint, new.attempt, new.reason, substr(new.detail, 1, 200));
END;
-- What an operator did himself is not told to him: it was wiped out in the same commit.
CREATE TRIGGER expected_bad AFTER UPDATE OF state ON job WHEN new.state IN ('held', 'failed') AND old.state <> new.state
  AND new.reason IS NOT 'discarded' AND (new.detail IS NULL OR new.detail NOT LIKE 'it waits until its mail is fetched again%') BEGIN
  INSERT INTO expected (what, kind, job) VALUES ('news', new.state, new.id);
END;
CREATE TRIGGER expected_paused AFTER UPDATE OF state ON job WHEN new.state = 'deferred' AND new.reason = 'status-410' BEGIN
  INSERT INTO expected (what, kind, job) VALUES ('news', 'paused', new.id);
END;
CREATE TRIGGER expected_unusable AFTER UPDATE OF state ON job WHEN new.state = 'done' AND old.state <> new.state AND new.reason IS NOT NULL BEGIN
  INSERT INTO expected (what, kind, job) VALUES ('news', 'unusable', new.id);
END;
CREATE TRIGGER expected_reply AFTER UPDATE OF state ON reply WHEN new.state <> old.state AND new.state IN ('sent', 'refused') BEGIN
  INSERT INTO expected SELECT 'event', 'reply-' || new.state, new.job, NULL, endpoint, NULL, NULL, substr(new.detail, 1, 200) FROM job WHERE id = new.job;
END;
CREATE TRIGGER expected_unsure AFTER UPDATE OF unsure ON reply WHEN new.unsure = 1 AND old.unsure = 0 BEGIN
  INSERT INTO expected SELECT 'event', 'reply-unsure', new.job, NULL, endpoint, NULL, NULL, substr(new.detail, 1, 200) FROM job WHERE id = new.job;
END;
CREATE TRIGGER expected_settled AFTER UPDATE OF touch ON place WHEN new.touch <> old.touch AND new.touch = 'settled' BEGIN
  INSERT INTO expected VALUES ('event', 'settled', NULL, new.mail, NULL, NULL, new.verdict, NULL);
END;
CREATE TRIGGER expected_pause AFTER INSERT ON pause BEGIN
  INSERT INTO expected VALUES ('event', 'paused', NULL, NULL, new.endpoint, NULL, new.by, NULL);
END;
CREATE TRIGGER expected_resume AFTER DELETE ON pause BEGIN
  INSERT INTO expected VALUES ('event', 'resumed', NULL, NULL, old.endpoint, NULL, old.by, NULL);
END;
-- These two the rules wrote before, too: what could not be fetched is held anew, and replies come back.
CREATE TRIGGER expected_unfetched AFTER UPDATE OF reason ON job WHEN old.state = 'held' AND new.state = 'held'
  AND (SELECT lacks FROM mail WHERE id = new.mail) = new.detail BEGIN
  INSERT INTO expected VALUES ('event', 'held', new.id, NULL, new.endpoint, new.attempt, new.reason, substr(new.detail, 1, 200));
  INSERT INTO expected (what, kind, job) VALUES ('news', 'held', new.id);
END;
CREATE TRIGGER written_event AFTER INSERT ON event WHEN new.kind <> 'reply-bounced' BEGIN
  INSERT INTO written VALUES ('event', new.kind, new.job, new.mail, new.endpoint, new.attempt, new.reason, new.detail);
END;
CREATE TRIGGER written_news AFTER INSERT ON news WHEN new.kind IN ('held', 'failed', 'paused', 'unusable') BEGIN
  INSERT INTO written (what, kind, job) VALUES ('news', new.kind, new.job);
END;
";

/// Begins to look at what a ledger writes.
pub(in crate::ledger) fn watch(path: &std::path::Path) {
    Connection::open(path).unwrap().execute_batch(TRIGGERS).unwrap();
}

/// Stops looking: the test does what Mailjob never does.
pub(in crate::ledger) fn unwatch(path: &std::path::Path) {
    let db = Connection::open(path).unwrap();
    let mut query = db
        .prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND (name LIKE 'expected%' OR name LIKE 'written%')",
        )
        .unwrap();
    let names: Vec<String> = query
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for name in names {
        db.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
    }
    db.execute_batch("DROP TABLE IF EXISTS expected; DROP TABLE IF EXISTS written")
        .unwrap();
}

/// Has the ledger written what it had to, and nothing else?
pub(in crate::ledger) fn check(path: &std::path::Path) {
    let db = Connection::open(path).unwrap();
    let watched = db.query_row(
        "SELECT count(*) FROM sqlite_schema WHERE name = 'expected'",
        [],
        |row| row.get::<_, i64>(0),
    );
    if watched.unwrap() == 0 {
        return;
    }
    let rows = |table: &str| -> Vec<String> {
        let mut query = db.prepare(&format!("SELECT format('%s %s job %Q mail %Q at %Q, attempt %Q: %Q, %Q', what, kind, job, mail, endpoint, attempt, reason, detail) FROM {table} ORDER BY 1")).unwrap();
        query
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap()
    };
    assert_eq!(
        rows("written"),
        rows("expected"),
        "what happened, and what was written of it"
    );
    let old = "SELECT count(*) FROM mail m JOIN job j ON j.mail = m.id LEFT JOIN reply r ON r.job = j.id WHERE (m.ended IS NOT NULL OR m.idle IS NOT NULL)
        AND (j.state NOT IN ('done', 'failed', 'ignored') OR r.state IN ('queued', 'running'))";
    let old: i64 = db.query_row(old, [], |row| row.get(0)).unwrap();
    assert_eq!(old, 0, "mails that have something to do again count as ended");
}
