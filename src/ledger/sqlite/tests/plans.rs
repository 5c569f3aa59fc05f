//! How SQLite finds rows: whatever the engine asks of a table that grows, an index answers. A ledger keeps a million jobs that have ended.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rusqlite::{
    Connection,
    trace::{TraceEvent, TraceEventCodes},
};

use super::*;
use crate::{
    job::token::ReplyReference,
    ledger::{Bounced, ReplyFilter, ReplyState, RetrySelection},
};

/// The ledger whose statements are noted, and those.
static LISTENED: Mutex<(Option<PathBuf>, BTreeSet<String>)> = Mutex::new((None, BTreeSet::new()));

fn listened() -> MutexGuard<'static, (Option<PathBuf>, BTreeSet<String>)> {
    LISTENED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes what this connection is asked, if its ledger is the one.
pub(in crate::ledger::sqlite) fn listen(db: &Connection) {
    let of = listened().0.clone();
    if of.is_none() || db.path().map(PathBuf::from) != of {
        return;
    }
    db.trace_v2(
        TraceEventCodes::SQLITE_TRACE_PROFILE,
        Some(|event| {
            if let TraceEvent::Profile(statement, _) = event {
                listened().1.insert(statement.sql().into_owned());
            }
        }),
    );
}

/// Tables that have few rows, or only those that are still to do.
const SMALL: [&str; 13] = [
    "mailbox",
    "upload",
    "sign_in",
    "notice",
    "news",
    "json_each",
    "endpoints",
    "sqlite_schema",
    "maildrop",
    "installation",
    "lease",
    "owner",
    "owner_endpoint",
];

/// Partial indexes that have only rows that are still to do: to read one from end to end is what it is for.
const DUE: [&str; 11] = [
    "reply_unsure",
    "reply_recipient_refused",
    "job_due",
    "job_running",
    "reply_due",
    "reply_running",
    "reply_refused",
    "place_due",
    "reply_kept",
    "reply_bounced",
    "reply_recipient_bounced",
];

/// What is wrong with a plan.
fn fault(step: &str) -> bool {
    let Some(scan) = step.strip_prefix("SCAN ") else {
        // All mails of a mailbox, or all of its places, are as good as all.
        let all = [
            "AUTOMATIC",
            "INDEX mail_content (mailbox=?)",
            "SEARCH p USING PRIMARY KEY (mailbox=? AND uid_validity=?)",
        ];
        return all.iter().any(|part| step.contains(part));
    };
    let table = scan.split_whitespace().next().unwrap_or_default();
    let index = scan
        .split_once("INDEX ")
        .map(|(_, rest)| rest.split_whitespace().next().unwrap_or_default());
    !(table == "CONSTANT" || SMALL.contains(&table) || index.is_some_and(|index| DUE.contains(&index)))
}

/// The steps of a statement, whatever its parameters are.
fn plan(db: &Connection, sql: &str) -> Vec<String> {
    let mut query = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let (mut rows, mut steps) = (query.raw_query(), Vec::new());
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get(3).unwrap());
    }
    steps
}

/// All that the three loops, the housekeeping and a start ask.
async fn exercise(d: &mut Desktop) {
    d.ledger.counts().await.unwrap();
    d.take((1..=9).map(mail).collect()).await;
    d.take(vec![NewMail {
        header_key: Some([1; 32]),
        ..at(2, 1, "with a key")
    }])
    .await;
    let sent = d.run(done(), send()).await;
    d.run(done(), send()).await;
    d.run(failed(), silent()).await;
    d.run(ignored(), None).await;
    let reply = soon(d.ledger.claim_replies("contoso", 1)).await.unwrap().remove(0);
    d.ledger
        .submitted(sent.id, reply.lease.fence(), Submitted::Sent("250".into()))
        .await
        .unwrap();
    d.ledger.submissions("contoso", d.hands.now()).await.unwrap();
    let gate = RateLimit {
        key: "sender".into(),
        rate: "1/h".parse().unwrap(),
        code: "rate",
    };
    let job = d.claim(1).await.remove(0);
    d.ledger.admit(job.id, job.lease.fence(), vec![gate]).await.unwrap();
    d.ledger.parts(job.id, 1).await.unwrap();
    d.ledger.raw(job.mail).await.unwrap();
    d.ledger.raw(job.mail).await.unwrap();
    d.ledger.release(job.id, job.lease.fence()).await.unwrap();
    let pieces = vec![
        crate::job::AttachmentRef {
            index: 0,
            name: "a".into(),
        },
        crate::job::AttachmentRef {
            index: 1,
            name: "b".into(),
        },
    ];
    d.run(Outcome::Split(pieces), None).await;
    for part in d.claim(9).await {
        let reply = Some(ReplyDecision::Gathered);
        d.ledger
            .finish(Finish {
                reply,
                ..finish(&part, done())
            })
            .await
            .unwrap();
    }
    while !d.nothing_due().await {
        d.run(done(), silent()).await;
    }
    let others = [endpoint("other")];
    d.ledger.reassign_orphans(&mailbox(), &others, &others).await.unwrap();
    d.settling_in(2).await;
    d.touched(1..=9).await;
    d.ledger.cursor(&mailbox()).await.unwrap();
    assert!(d.ledger.last_taken(&mailbox()).await.unwrap().is_some());
    d.ledger.overview(9).await.unwrap();
    let names = vec![MaildropName {
        uidl: "u".into(),
        size: 1,
    }];
    d.ledger
        .maildrop_number(&nobodys(&mailbox()), names.clone())
        .await
        .unwrap();
    d.ledger.maildrop_skip(&nobodys(&mailbox()), names).await.unwrap();
    d.ledger.maildrop(&mailbox()).await.unwrap();
    d.ledger.maildrop_left(&nobodys(&mailbox()), vec![1]).await.unwrap();
    backlog::exercise(d).await;
    let keys = vec![ConversationKey([1; 32])];
    d.ledger.conversation(keys.clone(), job.id).await.unwrap();
    for named in [ReplyReference::Job(sent.id), ReplyReference::Token(keys[0])] {
        let bounce = Bounced {
            replies: vec![(named, "reply@example.com".into())],
            recipients: Vec::new(),
            said: "550".into(),
        };
        d.ledger.bounced(bounce).await.unwrap();
    }
    d.pass(1).await;
    d.forget(d.hands.now()).await;
    let door = d.beside().await;
    door.retry_replies(RetrySelection::Queued).await.unwrap();
    door.retry_replies(RetrySelection::Refused).await.unwrap();
    for state in [ReplyState::Queued, ReplyState::Refused, ReplyState::Bounced] {
        let filter = ReplyFilter {
            account: None,
            states: vec![state],
            before: None,
            max: 9,
        };
        door.replies(filter).await.unwrap();
    }
    d.reopen().await;
}

#[tokio::test]
async fn nothing_reads_a_table_from_end_to_end() {
    let mut d = Desktop::new().await;
    listened().0 = Some(d.path().canonicalize().unwrap());
    d.reopen().await;
    exercise(&mut d).await;
    let asked = listened().1.clone();
    assert!(asked.len() > 60, "{} statements", asked.len());
    let db = schema::reader(&d.path()).unwrap();
    for part in [
        "json_each",
        "endpoints",
        "SELECT p.uid, p.touch",
        "min(due)",
        "FROM reply_recipient",
        "(idle, id) >",
    ] {
        assert!(asked.iter().any(|sql| sql.contains(part)), "{part} was not asked");
    }
    let mut faults = BTreeMap::new();
    for sql in asked {
        // Others have no plan.
        let ours = ["SELECT", "INSERT", "UPDATE", "DELETE"]
            .iter()
            .any(|word| sql.starts_with(word));
        if !ours || known(&sql) {
            continue;
        }
        let bad: Vec<_> = plan(&db, &sql).into_iter().filter(|step| fault(step)).collect();
        if !bad.is_empty() {
            faults.insert(sql, bad);
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

/// What is read on purpose from end to end, once in a quarter of an hour and beside the writer; and what only looks so: lists walk from the
/// newest job on and end with their page, and mails of a mailbox are only looked for where its id changes.
fn known(sql: &str) -> bool {
    let begins = [
        "SELECT idle, size",
        "SELECT ended, ",
        "INSERT INTO mailbox",
        // All pauses: one for an endpoint at most.
        "SELECT p.endpoint, p.by",
    ];
    let ends = ["ORDER BY j.uuid DESC LIMIT", "ORDER BY j.id DESC LIMIT"];
    begins.iter().any(|begin| sql.starts_with(begin)) || ends.iter().any(|end| sql.contains(end))
}

#[test]
fn a_scan_is_told_from_a_search() {
    for (step, bad) in [
        ("SCAN job", true),
        ("SCAN r USING INDEX reply_ended", true),
        ("SCAN j USING INDEX job_due", false),
        ("SCAN CONSTANT ROW", false),
        ("SEARCH m USING INTEGER PRIMARY KEY (rowid=?)", false),
        ("SEARCH m USING AUTOMATIC COVERING INDEX (id=?)", true),
        ("SEARCH m USING COVERING INDEX mail_content (mailbox=?)", true),
        ("SEARCH m USING INDEX mail_content (mailbox=? AND sha256=?)", false),
    ] {
        assert_eq!(fault(step), bad, "{step}");
    }
}

/// A row goes only when nothing names it; without an index that is a scan for each row.
#[tokio::test]
async fn every_reference_has_an_index() {
    let d = Desktop::new().await;
    let bare = d.ledger.readers.read(|db| {
        let mut query = db.prepare(
            "SELECT m.name || '.' || f.\"from\" FROM sqlite_schema m, pragma_foreign_key_list(m.name) f
             WHERE m.type = 'table' AND NOT EXISTS (SELECT 1 FROM pragma_table_info(m.name) t
                 WHERE t.name = f.\"from\" AND t.pk = 1)
             AND NOT EXISTS (SELECT 1 FROM pragma_index_list(m.name) i, pragma_index_info(i.name) c
                 WHERE c.seqno = 0 AND c.name = f.\"from\" AND i.partial = 0)",
        )?;
        let rows = query.query_map([], |row| row.get::<_, String>(0))?;
        Ok(rows.collect::<Result<Vec<_>, _>>()?)
    });
    assert_eq!(bare.await.unwrap(), Vec::<String>::new());
}
