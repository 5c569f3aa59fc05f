//! From a mail to its last touch.

use super::*;
use crate::{
    job::state::State,
    ledger::{Countable, Summary},
};

#[tokio::test]
async fn a_mail_goes_all_the_way() {
    let d = Desktop::new().await;
    let bell = d.ledger.settle_due(&mailbox());
    assert_eq!(d.ledger.cursor(&mailbox()).await.unwrap(), None);
    assert_eq!(
        d.take(vec![mail(7)]).await,
        IntakeResult {
            new: 1,
            known: 0,
            completed: 0
        }
    );
    assert_eq!(
        d.ledger.cursor(&mailbox()).await.unwrap(),
        Some(Cursor {
            uid_validity: 1,
            uid_next: 8
        })
    );

    let job = d.claim(5).await.pop().unwrap();
    assert_eq!((job.attempt, job.retries, job.interrupted, job.size), (1, 0, 0, 6));
    assert_eq!(d.ledger.raw(job.mail).await.unwrap(), "mail 7");
    assert_eq!(
        d.ledger.raw(job.mail).await.unwrap(),
        "mail 7",
        "the second time from the disk"
    );

    let summary = Summary {
        from: "a@example.org".into(),
        subject: "Bill".into(),
        message_id: "x@y".into(),
    };
    let end = Finish {
        reply: send(),
        summary: Some(summary.clone()),
        ..finish(&job, done())
    };
    d.ledger.finish(end).await.unwrap();
    assert_eq!(d.settling().await, [], "its reply is still to go");

    let claimed = soon(d.ledger.claim_replies("contoso", 9)).await.unwrap().pop().unwrap();
    assert_eq!((claimed.job, claimed.attempt, &claimed.reply), (job.id, 1, &reply()));
    assert_eq!(claimed.endpoint, endpoint("invoices"));
    d.ledger
        .submitted(job.id, Fence(1), Submitted::Sent("250 ok".into()))
        .await
        .unwrap();
    soon(bell.notified()).await;
    assert_eq!(d.settling().await, [(7, MailOutcome::Done)]);

    d.ledger
        .settled(
            &nobodys(&mailbox()),
            &[Place {
                uid_validity: 1,
                uid: 7,
            }],
        )
        .await
        .unwrap();
    assert_eq!(d.settling().await, []);
    let row = d.row().await;
    assert_eq!((row.state, row.attempts, row.summary), (State::Done, 1, summary));
    let reply = row.reply.unwrap();
    assert_eq!(
        (reply.state.as_str(), reply.attempts, reply.message_id.as_str()),
        ("sent", 1, "1@mailjob")
    );
}

#[tokio::test]
async fn an_end_without_reply_is_due_for_settling_at_once() {
    for (outcome, verdict) in [
        (done(), MailOutcome::Done),
        (failed(), MailOutcome::Failed),
        (ignored(), MailOutcome::Ignored),
    ] {
        let d = Desktop::new().await;
        d.take(vec![mail(1)]).await;
        d.run(outcome, silent()).await;
        assert_eq!(d.settling().await, [(1, verdict)]);
    }
}

#[tokio::test]
async fn why_there_is_no_reply_is_known() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    d.run(failed(), Some(ReplyDecision::Silent("auto-submitted".into())))
        .await;
    let row = d.row().await;
    assert_eq!(row.silent.as_deref(), Some("auto-submitted"));
    assert_eq!(
        (row.reason.as_deref(), row.detail.as_deref()),
        (Some("exit-1"), Some("no"))
    );
}

#[tokio::test]
async fn a_refused_reply_lets_the_mail_settle() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let job = d.run(failed(), send()).await;
    soon(d.ledger.claim_replies("contoso", 1)).await.unwrap();
    d.ledger
        .submitted(job.id, Fence(1), Submitted::Refused("550 no such user".into()))
        .await
        .unwrap();
    assert_eq!(d.settling().await, [(1, MailOutcome::Failed)]);
}

#[tokio::test]
async fn a_reply_that_is_put_off_keeps_its_bytes_and_waits() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let job = d.run(done(), send()).await;
    soon(d.ledger.claim_replies("contoso", 1)).await.unwrap();
    let later = Submitted::Later {
        due: d.hands.now() + chrono::TimeDelta::seconds(60),
        detail: "450".into(),
    };
    d.ledger.submitted(job.id, Fence(1), later).await.unwrap();
    let stale = d
        .ledger
        .submitted(job.id, Fence(1), Submitted::Sent(String::new()))
        .await;
    assert_eq!(stale, Err(Error::Stale(job.id)));
    let waiting = tokio::spawn({
        let ledger = d.ledger.clone();
        async move { ledger.claim_replies("contoso", 1).await }
    });
    d.pass(59).await;
    assert!(!waiting.is_finished());
    d.pass(1).await;
    let again = soon(waiting).await.unwrap().unwrap().pop().unwrap();
    assert_eq!((again.attempt, again.reply), (2, reply()));
}

#[tokio::test]
async fn a_held_job_never_settles() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    d.run(
        Outcome::Held {
            reason: Reason::Unreadable,
            detail: "bomb".into(),
        },
        None,
    )
    .await;
    d.take(vec![lacking(2, Reason::TooLarge)]).await;
    assert!(d.nothing_due().await);
    assert_eq!(d.settling().await, []);
    let rows = d.ledger.overview(9).await.unwrap();
    let reasons: Vec<_> = rows.iter().map(|row| (row.state, row.reason.as_deref())).collect();
    assert_eq!(
        reasons,
        [(State::Held, Some("too-large")), (State::Held, Some("unreadable"))]
    );
}

#[tokio::test]
async fn a_retry_waits_until_it_is_due() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let job = d.claim(1).await.pop().unwrap();
    let due = Some(d.hands.now() + chrono::TimeDelta::seconds(5));
    d.ledger
        .finish(Finish {
            due,
            ..finish(&job, retry())
        })
        .await
        .unwrap();
    assert_eq!(d.row().await.state, State::Deferred);
    d.pass(4).await;
    assert!(d.nothing_due().await);
    d.pass(1).await;
    let again = d.claim(1).await.pop().unwrap();
    assert_eq!((again.id, again.attempt, again.retries), (job.id, 2, 1));
}

#[tokio::test]
async fn only_the_attempt_that_runs_can_end() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let job = d.claim(1).await.pop().unwrap();
    let wrong = Finish {
        fence: Fence(2),
        ..finish(&job, done())
    };
    assert_eq!(d.ledger.finish(wrong).await, Err(Error::Stale(job.id)));
    d.ledger
        .finish(Finish {
            reply: silent(),
            ..finish(&job, done())
        })
        .await
        .unwrap();
    assert_eq!(
        d.ledger.finish(finish(&job, failed())).await,
        Err(Error::Stale(job.id)),
        "it has ended"
    );
    assert_eq!(
        d.ledger.release(job.id, job.lease.fence()).await,
        Err(Error::Stale(job.id))
    );
    assert_eq!(d.row().await.state, State::Done);
    let unknown = JobId(uuid::Uuid::nil());
    assert!(matches!(
        d.ledger.release(unknown, Fence(1)).await,
        Err(Error::Missing(_))
    ));
}

#[tokio::test]
async fn a_retry_without_a_due_time_is_a_bug_that_holds_the_job() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let job = d.claim(1).await.pop().unwrap();
    assert!(matches!(
        d.ledger.finish(finish(&job, retry())).await,
        Err(Error::Illegal { .. })
    ));
    let row = d.row().await;
    assert_eq!(row.state, State::Held);
    assert!(row.detail.unwrap().contains("no due time"));
}

#[tokio::test]
async fn a_released_job_is_due_again_and_its_attempt_does_not_count() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let job = d.claim(1).await.pop().unwrap();
    d.ledger.release(job.id, job.lease.fence()).await.unwrap();
    assert_eq!(d.claim(1).await.pop().unwrap().attempt, 1);
}

#[tokio::test]
async fn an_answer_of_any_length_is_stored_short() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let text = "ü".repeat(1 << 20);
    d.run(
        Outcome::Done(Answer {
            text: Some(text),
            ..Answer::default()
        }),
        silent(),
    )
    .await;
    let kept = d.ledger.look(|db| {
        let query = db.prepare("SELECT answer FROM attempt");
        Ok(query.query_row((), |row| row.get::<String>(0))?)
    });
    let kept = kept.await;
    assert_eq!(kept, "ü".repeat(32 * 1024));
}

#[tokio::test]
async fn mails_that_wait_for_their_last_touch_for_long_are_counted() {
    let d = Desktop::new().await;
    d.take((1..=3).map(mail).collect()).await;
    d.run(done(), silent()).await;
    d.run(failed(), silent()).await;
    let side = d.beside().await;
    let begin = d.hands.now();
    assert_eq!(side.unsettled(&mailbox(), begin).await.unwrap(), 0, "not for long");
    d.pass(1).await;
    let now = d.hands.now();
    assert_eq!(side.unsettled(&mailbox(), now).await.unwrap(), 2);
    d.touched(1..=1).await;
    assert_eq!(side.unsettled(&mailbox(), now).await.unwrap(), 1);
}
