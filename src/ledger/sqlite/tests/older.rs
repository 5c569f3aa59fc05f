//! Ledgers that an older Mailjob wrote, with rows of all kinds: what they meant they mean still.

use super::*;
use crate::ledger::{NoticeTable, ReplyFilter, ReplyState};

#[tokio::test]
async fn a_ledger_of_the_first_schema_learns_of_maildrops() {
    let mut d = Desktop::new().await;
    d.ledger.close().await;
    std::fs::remove_file(d.path()).unwrap();
    let old = rusqlite::Connection::open(d.path()).unwrap();
    old.execute_batch(schema::MIGRATIONS[0]).unwrap();
    old.execute_batch(
        "INSERT INTO mailbox VALUES (7, 'imap://invoices@example.com/INBOX', 1, 5); PRAGMA user_version = 1",
    )
    .unwrap();
    drop(old);
    d.reopen().await;
    let name = MaildropName {
        uidl: "a".into(),
        size: 1,
    };
    let given = d.ledger.maildrop_number(&nobodys(&mailbox()), vec![name]).await;
    assert_eq!(given.unwrap(), [1]);
    let cursor = d.ledger.cursor(&mailbox()).await.unwrap().unwrap();
    assert_eq!(cursor.uid_next, 5, "what was there still is");
}

/// A ledger of before, with replies in every state.
#[tokio::test]
async fn replies_of_before_keep_their_meaning() {
    let d = Desktop::new().await;
    let path = d.folder.path().join("old.db");
    let old = schema::writer(&path).unwrap();
    for sql in &schema::MIGRATIONS[..6] {
        old.execute_batch(sql).unwrap();
    }
    old.execute_batch(
        "INSERT INTO mailbox VALUES (1, 'imap://invoices@example.com/INBOX', 1, 9);
         INSERT INTO mail (id, mailbox, sha256, size, taken) VALUES (1, 1, x'00', 1, 0), (2, 1, x'01', 1, 0), (3, 1, x'02', 1, 0);
         INSERT INTO job (id, uuid, mail, endpoint, state, due) VALUES
           (1, zeroblob(16), 1, 'invoices', 'done', 0), (2, x'00000000000000000000000000000002', 2, 'invoices', 'failed', 0),
           (3, x'00000000000000000000000000000003', 3, 'invoices', 'held', 0);
         INSERT INTO reply (job, account, state, due, attempt, made, message_id, sender, recipients, detail) VALUES
           (1, 'contoso', 'queued', 5, 1, 4, '1@x', 's@x', '[\"a@x\",\"b@x\"]', 'busy'),
           (2, 'contoso', 'sent', 5, 1, 4, '2@x', 's@x', '[\"a@x\"]', '250'),
           (3, 'contoso', 'refused', 5, 1, 4, '3@x', 's@x', '[\"a@x\"]', '550');
         INSERT INTO reply_body VALUES (1, x'78'), (2, x'78'), (3, x'78');
         PRAGMA user_version = 6;",
    )
    .unwrap();
    drop(old);
    let ledger = opened(&Address::file(&path), d.hands.clock()).await.unwrap();
    let door = ExternalSqlite::open(&path).await.unwrap();
    let filter = ReplyFilter {
        account: Some("contoso".into()),
        states: ReplyState::ALL.to_vec(),
        max: 10,
        before: None,
    };
    let (rows, all) = door.replies(filter).await.unwrap();
    assert_eq!(all, 3);
    let states: Vec<_> = rows.iter().map(|row| row.recipients[0].state.as_str()).collect();
    assert_eq!(states, ["refused", "sent", "queued"]);
    assert_eq!(
        (rows[0].recipients[0].said.as_str(), rows[2].recipients.len()),
        ("550", 2)
    );
    let claimed = soon(ledger.claim_replies("contoso", 9)).await.unwrap();
    assert_eq!(claimed[0].reply.recipients, ["a@x", "b@x"]);
    assert_eq!(ledger.news(9).await.unwrap().0, [], "what was before is no news");
    drop(ledger);
}

/// A ledger as it was before, with a job in each state, an attempt and a reply.
#[tokio::test]
async fn an_older_ledger_keeps_its_rows() {
    let mut d = Desktop::new().await;
    d.ledger.close().await;
    std::fs::remove_file(d.path()).unwrap();
    let old = rusqlite::Connection::open(d.path()).unwrap();
    old.execute_batch("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;")
        .unwrap();
    for sql in &schema::MIGRATIONS[..5] {
        old.execute_batch(sql).unwrap();
    }
    old.execute_batch(
        "INSERT INTO mailbox VALUES (7, 'imap://invoices@example.com/INBOX', 1, 9); PRAGMA user_version = 5",
    )
    .unwrap();
    let before = ["queued", "running", "deferred", "done", "failed", "held", "ignored"];
    for (n, state) in (1i64..).zip(before) {
        old.execute_batch(&format!(
            "INSERT INTO mail (id, mailbox, sha256, size, taken) VALUES ({n}, 7, x'0{n}', 1, 0);
             INSERT INTO job (id, uuid, mail, endpoint, state, due, attempt, reason, silent)
               VALUES ({n}, x'000000000000000000000000000000{n:02}', {n}, 'invoices', '{state}', 0, 1, 'slow', 'off');
             INSERT INTO attempt VALUES ({n}, 0, NULL, 5, 'done', NULL, NULL, 'thanks');
             INSERT INTO reply (job, account, state, due, made, message_id, sender, recipients)
               VALUES ({n}, 'contoso', 'sent', 0, 0, '{n}@x', 'us@x', '[\"a@x\"]');
             INSERT INTO reply_body VALUES ({n}, x'41');"
        ))
        .unwrap();
    }
    drop(old);
    d.reopen().await;
    let mut after = before;
    after[1] = "queued";
    let mut rows = d.ledger.overview(100).await.unwrap();
    rows.reverse();
    let found: Vec<_> = rows.iter().map(|row| row.state.as_str()).collect();
    assert_eq!(found, after, "what ran was interrupted");
    assert!(
        rows.iter()
            .all(|row| row.reply.is_some() && row.silent.as_deref() == Some("off"))
    );
    assert_eq!(d.count("SELECT count(*) FROM attempt").await, 8);
    assert_eq!(d.count("SELECT count(*) FROM reply_body").await, 7);
    let db = rusqlite::Connection::open(d.path()).unwrap();
    let sound: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    let broken = db.prepare("PRAGMA foreign_key_check").unwrap().exists([]).unwrap();
    assert!(!broken, "every row still has its owner");
    assert!(
        db.execute("UPDATE job SET state = 'lost'", []).is_err(),
        "states are still checked"
    );
    assert_eq!(d.claim(9).await.len(), 1, "the next one was interrupted and runs alone");
}
