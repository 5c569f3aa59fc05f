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

async fn count(d: &Desktop, table: &'static str) -> i64 {
    let look = move |db: &dyn crate::ledger::db::SqlEngine| {
        let query = db.prepare(format!("SELECT count(*) FROM {table}"));
        Ok(query.query_row((), |row| row.get(0))?)
    };
    d.ledger.look(look).await
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
        .submitted(part.id, Fence(1), Submitted::Sent("250".into()))
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

    assert_eq!((count(&d, "part_answer").await, count(&d, "part_file").await), (3, 2));
    let row = d.ledger.overview(1).await.unwrap().pop().unwrap();
    assert_eq!(row.silent.as_deref(), Some("combined"));
    d.run(done(), silent()).await;
    assert_eq!(
        (count(&d, "part_answer").await, count(&d, "part_file").await),
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
        fence: Fence(job.lease.fence().0 + 1),
        ..finish(&job, split(&["a.pdf"]))
    };
    assert_eq!(d.ledger.finish(stale).await, Err(Error::Stale(job.id)));
    assert_eq!(states(&d).await, [State::Running]);
}
