//! A mail that is split: its parts are jobs, its own job waits for the last of them, and what they answered is kept until then.

use super::*;
use crate::job::{AttachmentRef, JobScope, ResultFile, state::State};

fn split(names: &[&str]) -> Outcome {
    let piece = |(index, name): (u32, &&str)| AttachmentRef {
        index,
        name: (*name).to_owned(),
    };
    Outcome::Split((0..).zip(names).map(piece).collect())
}

fn with_file(name: &str, size: usize) -> Outcome {
    Outcome::Done(Answer {
        text: Some(format!("text of {name}")),
        files: vec![ResultFile {
            name: name.into(),
            media_type: "application/pdf".into(),
            data: vec![7; size].into(),
        }],
        data: Some(serde_json::json!({ "of": name })),
        flaw: None,
    })
}

/// A ledger with a mail that was split, and the job of the mail.
async fn of_parts(names: &[&str]) -> (Desktop, ClaimedJob) {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let whole = d.run(split(names), None).await;
    assert_eq!(whole.share, JobScope::Whole);
    (d, whole)
}

async fn states(d: &Desktop) -> Vec<State> {
    let mut rows = d.ledger.overview(100).await.unwrap();
    rows.reverse();
    rows.iter().map(|row| row.state).collect()
}

fn count(d: &Desktop, table: &str) -> i64 {
    let db = rusqlite::Connection::open(d.path()).unwrap();
    db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
        .unwrap()
}

#[tokio::test]
async fn the_last_part_wakes_the_mails_job() {
    let (mut d, whole) = of_parts(&["a.pdf", "b.pdf"]).await;
    assert_eq!(states(&d).await, [State::Waiting, State::Queued, State::Queued]);
    let parts = d.claim(9).await;
    let told: Vec<_> = parts
        .iter()
        .map(|job| match &job.share {
            JobScope::Part(part) => (
                part.number,
                part.of,
                part.mail_job,
                part.attachment.index,
                part.attachment.name.as_str(),
            ),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, [(1, 2, whole.id, 0, "a.pdf"), (2, 2, whole.id, 1, "b.pdf")]);
    assert_ne!(parts[0].id, parts[1].id);
    d.ledger
        .finish(Finish {
            reply: silent(),
            ..finish(&parts[0], done())
        })
        .await
        .unwrap();
    assert_eq!(states(&d).await[0], State::Waiting);
    d.reopen().await;
    assert_eq!(
        states(&d).await,
        [State::Waiting, State::Done, State::Queued],
        "what was interrupted runs again"
    );
    let again = d.claim(9).await;
    assert_eq!(
        (again.len(), again[0].id, again[0].attempt),
        (1, parts[1].id, 2),
        "under the same id"
    );
    d.ledger
        .finish(Finish {
            reply: silent(),
            ..finish(&again[0], failed())
        })
        .await
        .unwrap();
    let gathering = d.claim(9).await;
    assert_eq!((gathering.len(), gathering[0].id), (1, whole.id));
    assert_eq!(gathering[0].share, JobScope::Gathering { parts: 2 });
    assert_eq!(d.settling().await, [], "the mail's own job has not ended");
    d.ledger
        .finish(Finish {
            reply: silent(),
            ..finish(&gathering[0], done())
        })
        .await
        .unwrap();
    assert_eq!(
        d.settling().await,
        [(1, MailOutcome::Done)],
        "its own job says how the mail ended"
    );
}

#[tokio::test]
async fn the_same_mail_again_is_still_one_job_and_its_parts() {
    let (d, _) = of_parts(&["a.pdf"]).await;
    let again = d.take(vec![at(2, 9, "mail 1")]).await;
    assert_eq!((again.new, again.known), (0, 1));
    assert_eq!(states(&d).await.len(), 2);
}

#[tokio::test]
async fn a_held_part_keeps_the_mail_waiting() {
    let (d, _) = of_parts(&["a.pdf", "b.pdf"]).await;
    d.run(done(), silent()).await;
    let held = Outcome::Held {
        reason: Reason::Slow,
        detail: "slow".into(),
    };
    d.run(held, None).await;
    assert_eq!(states(&d).await, [State::Waiting, State::Done, State::Held]);
    assert!(d.nothing_due().await);
    assert_eq!(d.settling().await, []);
}

#[tokio::test]
async fn a_part_that_waits_for_its_reply_keeps_the_mail() {
    let (d, _) = of_parts(&["a.pdf"]).await;
    let part = d.run(done(), send()).await;
    d.run(done(), silent()).await;
    assert_eq!(d.settling().await, []);
    let claimed = soon(d.ledger.claim_replies("contoso", 1)).await.unwrap();
    assert_eq!(claimed[0].job, part.id);
    d.ledger
        .submitted(part.id, 1, Submitted::Sent("250".into()))
        .await
        .unwrap();
    assert_eq!(d.settling().await, [(1, MailOutcome::Done)]);
}

#[tokio::test]
async fn answers_are_kept_until_they_are_gathered() {
    let (mut d, whole) = of_parts(&["a.pdf", "b.pdf", "c.pdf"]).await;
    d.run(with_file("a.pdf", 10), Some(ReplyDecision::Gathered)).await;
    let told = Outcome::Failed {
        reason: Reason::Status(422),
        detail: "for the operator".into(),
        tell: Some("for the sender".into()),
    };
    d.run(told, Some(ReplyDecision::Gathered)).await;
    d.run(with_file("c.pdf", 300_000), Some(ReplyDecision::Gathered)).await;
    d.reopen().await;
    let all = d.ledger.parts(whole.id, 1 << 20).await.unwrap();
    assert_eq!(all.size, 300_010);
    let told: Vec<_> = all
        .parts
        .iter()
        .map(|part| {
            (
                part.number,
                part.name.as_str(),
                part.state,
                part.reason.as_deref(),
                part.tell.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (1, "a.pdf", State::Done, None, None),
            (2, "b.pdf", State::Failed, Some("status-422"), Some("for the sender")),
            (3, "c.pdf", State::Done, None, None),
        ]
    );
    let Outcome::Done(answer) = with_file("c.pdf", 300_000) else {
        unreachable!()
    };
    assert!(all.parts[2].kept && all.parts[2].answer == answer);
    let few = d.ledger.parts(whole.id, 300_009).await.unwrap();
    assert_eq!(
        (few.size, few.parts[2].answer.files.len()),
        (300_010, 0),
        "no more than was asked for"
    );
    assert_eq!(few.parts[2].answer.text.as_deref(), Some("text of c.pdf"));

    assert_eq!((count(&d, "part_answer"), count(&d, "part_file")), (3, 2));
    let row = d.ledger.overview(1).await.unwrap().pop().unwrap();
    assert_eq!(row.silent.as_deref(), Some("combined"));
    d.run(done(), silent()).await;
    assert_eq!(
        (count(&d, "part_answer"), count(&d, "part_file")),
        (0, 0),
        "gathered is gone"
    );
}

#[tokio::test]
async fn a_split_and_its_end_are_whole_or_not_at_all() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let job = d.claim(1).await.pop().unwrap();
    let stale = Finish {
        attempt: job.attempt + 1,
        ..finish(&job, split(&["a.pdf"]))
    };
    assert_eq!(d.ledger.finish(stale).await, Err(Error::Stale(job.id)));
    assert_eq!(states(&d).await, [State::Running]);
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
    for sql in [
        include_str!("../sqlite/migrations/0001_ledger.sql"),
        include_str!("../sqlite/migrations/0002_sign_in.sql"),
        include_str!("../sqlite/migrations/0003_maildrop.sql"),
        include_str!("../sqlite/migrations/0004_notice.sql"),
        include_str!("../sqlite/migrations/0005_route.sql"),
    ] {
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
    let found: Vec<_> = states(&d).await.into_iter().map(State::as_str).collect();
    assert_eq!(found, after, "what ran was interrupted");
    let rows = d.ledger.overview(100).await.unwrap();
    assert!(
        rows.iter()
            .all(|row| row.reply.is_some() && row.silent.as_deref() == Some("off"))
    );
    assert_eq!((count(&d, "attempt"), count(&d, "reply_body")), (8, 7));
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
