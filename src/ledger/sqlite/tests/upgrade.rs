//! Ledgers of every schema, brought up to date: nothing that was there is lost. `tests/data/ledgers/README.md` says what they are.

use rusqlite::Connection;

use super::*;
use crate::{
    job::state::State,
    ledger::{Inspection, ReplyState},
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/ledgers");

/// A ledger as this schema had it, in a folder of its own.
fn old(schema: i64) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("mailjob.db");
    let dump = std::fs::read_to_string(format!("{FOLDER}/{schema:04}.sql")).unwrap();
    let db = Connection::open(&path).unwrap();
    db.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    db.execute_batch(&dump).unwrap();
    assert_eq!(super::super::identity::version(&db).unwrap(), schema);
    (folder, path)
}

fn schemas() -> Vec<i64> {
    let files = std::fs::read_dir(FOLDER).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut schemas: Vec<i64> = names
        .filter_map(|name| name.strip_suffix(".sql")?.parse().ok())
        .collect();
    schemas.sort_unstable();
    assert_eq!(schemas, (1..=i64::try_from(schemas.len()).unwrap()).collect::<Vec<_>>());
    schemas
}

#[tokio::test]
async fn an_old_ledger_is_brought_up_to_date_with_all_that_is_in_it() {
    for schema in schemas() {
        let (_folder, path) = old(schema);
        let before = inspect(&path).await.unwrap();
        assert_eq!((before.schema, &before.findings[..]), (schema, &[][..]), "{schema}");
        let ledger = open(&path, Arc::new(Utc::now)).await.unwrap();
        let after = inspect(&path).await.unwrap();
        let counts = |found: &Inspection| (found.mails, found.jobs, found.replies);
        assert_eq!(
            (after.schema, after.known),
            (schema::known(), schema::known()),
            "{schema}"
        );
        assert_eq!(
            (counts(&after), &after.findings[..]),
            (counts(&before), &[][..]),
            "{schema}"
        );
        look_at(&ledger, schema).await;
        ledger.close().await;
    }
}

async fn look_at(ledger: &Sqlite, schema: i64) {
    let rows = ledger.overview(100).await.unwrap();
    let state = |n: u128| rows.iter().find(|row| row.job.0.as_u128() & 0xff == n).unwrap().state;
    let states: Vec<_> = (1..=10).map(state).collect();
    use State::{Deferred, Done, Failed, Held, Ignored, Queued};
    // What ran is queued again.
    let expected = [Queued, Queued, Deferred, Done, Failed, Held, Ignored, Done, Done, Done];
    assert_eq!(states, expected, "{schema}");
    if schema >= 6 {
        assert_eq!([12, 13, 14].map(state), [State::Waiting, Done, Queued]);
    }
    let imap = MailboxKey("imap://invoices@example.com:993/INBOX".into());
    let cursor = ledger.cursor(&imap).await.unwrap().unwrap();
    assert_eq!((cursor.uid_validity, cursor.uid_next), (7, 40));
    for mail in 1..=10 {
        assert_eq!(
            ledger.raw(MailId(mail)).await.unwrap(),
            format!("mail {mail}"),
            "{schema}"
        );
    }
    look_at_replies(ledger, &rows, schema);
    let signed_in = ledger.readers.read(|db| {
        let plain = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'token')";
        Ok(db.query_row(plain, [], |row| row.get::<_, bool>(0))?)
    });
    if signed_in.await.unwrap() {
        assert_eq!(schema, 1);
        ledger
            .seal_plain(Arc::new(
                crate::auth::SealKey::parse(&crate::secret::Secret::from("07".repeat(32))).unwrap(),
            ))
            .await
            .unwrap();
    }
    let contoso = ledger.sign_in("contoso").await.unwrap().unwrap();
    assert!(contoso.token.is_some(), "{schema}");
    if schema > 1 {
        assert!(ledger.sign_in("gmail").await.unwrap().unwrap().refused.is_some());
    }
    if schema >= 3 {
        let pop3 = MailboxKey("pop3://orders@example.com:995/INBOX".into());
        let listed = ledger.maildrop(&pop3).await.unwrap();
        assert_eq!(listed.len(), 2);
        assert_eq!(
            listed.iter().filter(|mail| mail.taken).count(),
            usize::from(schema >= 5)
        );
    }
    let due = ledger.settling(&imap, 7, 99).await.unwrap();
    assert_eq!(due.len(), 1, "the ignored one: {due:?}");
    // It works.
    let claimed = soon(ledger.claim_jobs(&endpoint("invoices"), 9)).await.unwrap();
    assert!(!claimed.is_empty(), "{schema}");
    let replies = soon(ledger.claim_replies("office", 9)).await.unwrap();
    assert_eq!(replies.len(), 2);
}

fn look_at_replies(_: &Sqlite, rows: &[OverviewRow], schema: i64) {
    let replies: Vec<_> = rows.iter().filter_map(|row| row.reply.as_ref()).collect();
    let mut states: Vec<_> = replies.iter().map(|reply| reply.state.as_str()).collect();
    states.sort_unstable();
    let name = ReplyState::as_str;
    let expected = [
        name(ReplyState::Queued),
        name(ReplyState::Queued),
        name(ReplyState::Refused),
        name(ReplyState::Sent),
    ];
    assert_eq!(states, expected, "{schema}");
}

#[tokio::test]
async fn what_had_ended_before_is_dropped_in_its_time() {
    for schema in schemas() {
        let (folder, path) = old(schema);
        let hands = Hands::new();
        let ledger = Arc::new(open(&path, hands.clock()).await.unwrap());
        let d = Desktop::of(folder, hands, ledger);
        let after = d.forget_all(d.hands.now(), Kinds::All).await;
        // Failed, sent and refused; the ignored one still has to be touched, and the fresh schemas know more that keeps.
        assert_eq!((after.mails.count, after.results.count), (3, 2), "{schema}");
        assert_eq!(after.history.count, if schema >= 9 { 1 } else { 3 }, "{schema}");
        assert_eq!(inspect(&path).await.unwrap().findings, []);
    }
}

#[tokio::test]
async fn an_old_file_can_give_space_back_after_one_start() {
    let (_folder, path) = old(4);
    let mode = |path: &std::path::Path| -> i64 {
        let db = Connection::open(path).unwrap();
        db.query_row("PRAGMA auto_vacuum", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(mode(&path), 0);
    let ledger = open(&path, Arc::new(Utc::now)).await.unwrap();
    ledger.close().await;
    assert_eq!(mode(&path), 2);
}

#[tokio::test]
async fn a_newer_ledger_is_refused_and_stays_as_it_is() {
    let (_folder, path) = old(2);
    let newer = schema::known() + 1;
    let db = Connection::open(&path).unwrap();
    db.pragma_update(None, "user_version", newer).unwrap();
    drop(db);
    let before = std::fs::read(&path).unwrap();
    let refused = [
        open(&path, Arc::new(Utc::now)).await.err(),
        ExternalSqlite::open(&path).await.err(),
        inspect(&path).await.err(),
        backup(&path, &path.with_extension("copy"), |_| {}).await.err(),
    ];
    for error in refused {
        let error = error.unwrap();
        assert!(matches!(error, Error::Newer { found, .. } if found == newer), "{error}");
        assert!(
            error.to_string().contains("run the newer Mailjob, or restore a backup"),
            "{error}"
        );
    }
    let db = Connection::open(&path).unwrap();
    assert_eq!(super::super::identity::version(&db).unwrap(), newer);
    drop(db);
    assert_eq!(std::fs::read(&path).unwrap().len(), before.len());
    assert!(!path.with_extension("copy").exists());
}

#[tokio::test]
async fn what_an_older_version_kept_of_mails_that_did_not_come_whole_is_known_as_that() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("mailjob.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    for sql in &super::super::schema::MIGRATIONS[..11] {
        db.execute_batch(sql).unwrap();
    }
    db.execute_batch(
        "PRAGMA user_version = 11; DROP TABLE token;
         INSERT INTO mailbox VALUES (1, 'imap://invoices@example.com/INBOX', 1, 9);
         INSERT INTO mail (id, mailbox, sha256, size, taken) VALUES
           (1, 1, x'01', 6, 1), (2, 1, x'02', 24, 1), (3, 1, x'03', 6, 1), (4, 1, x'04', 6, unixepoch() * 1000000), (5, 1, x'05', 24, 1), (6, 1, x'06', 6, 1);
         INSERT INTO chunk SELECT id * 65536, CAST('mail ' || id AS BLOB) FROM mail WHERE size = 6;
         INSERT INTO chunk SELECT id * 65536, CAST('X-Not-Delivered: 7/' || id || char(13, 10, 13, 10) AS BLOB) FROM mail WHERE size = 24;
         INSERT INTO place (mailbox, uid_validity, uid, mail, touch) SELECT 1, 1, id, id, CASE id WHEN 5 THEN 'done' ELSE 'waiting' END FROM mail;
         -- Whole; a stand-in; too large from its birth; that, and retried since; a stand-in that was worked on; one that was read and is held.
         INSERT INTO job (id, uuid, mail, endpoint, state, due, attempt, reason) VALUES
           (1, randomblob(16), 1, 'invoices', 'queued', 1, 0, NULL),
           (2, randomblob(16), 2, 'invoices', 'held', 1, 0, 'unreadable'),
           (3, randomblob(16), 3, 'invoices', 'held', 1, 0, 'too-large'),
           (4, randomblob(16), 4, 'invoices', 'held', 1, 0, 'too-large'),
           (5, randomblob(16), 5, 'invoices', 'done', 1, 1, NULL),
           (6, randomblob(16), 6, 'invoices', 'queued', 1, 0, NULL);
         UPDATE job SET state = 'running', attempt = 1 WHERE id IN (4, 6);
         UPDATE job SET state = 'deferred' WHERE id = 4;
         UPDATE job SET state = 'held', reason = 'too-large' WHERE id = 6;",
    )
    .unwrap();
    drop(db);
    let ledger = open(&path, Arc::new(Utc::now)).await.unwrap();
    for (mail, whole) in [(1, true), (2, false), (3, false), (4, false), (5, false), (6, true)] {
        match ledger.raw(MailId(mail)).await {
            Ok(bytes) => assert!(whole && bytes == format!("mail {mail}"), "{mail}"),
            Err(error) => assert!(!whole && matches!(error, Error::Incomplete(_)), "{mail}: {error}"),
        }
    }
    let claimed = soon(ledger.claim_jobs(&endpoint("invoices"), 9)).await.unwrap();
    assert_eq!(claimed.iter().map(|job| job.mail.0).collect::<Vec<_>>(), [1]);
    assert_eq!(ledger.settling(&mailbox(), 1, 9).await.unwrap(), []);
    let found = inspect(&path).await.unwrap().findings;
    assert!(found.is_empty(), "{found:?}");
    let held = ledger.overview(9).await.unwrap();
    let states: Vec<_> = held.iter().map(|row| (row.mail.0, row.state)).collect();
    use State::{Done, Held, Running};
    assert_eq!(
        states,
        [(6, Held), (5, Done), (4, Held), (3, Held), (2, Held), (1, Running)]
    );
    ledger.close().await;
}
