//! Jobs over which the process dies.

use super::*;
use crate::job::state::{POISON, State};

/// Dies and comes back: what ran was interrupted.
async fn die(d: &mut Desktop) {
    d.reopen().await;
}

#[tokio::test]
async fn a_suspect_runs_alone_at_its_endpoint() {
    let mut d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    d.claim(1).await;
    die(&mut d).await;
    d.take(vec![mail(2), mail(3)]).await;
    let suspect = d.claim(9).await;
    assert_eq!(suspect.len(), 1);
    assert_eq!(suspect[0].interrupted, 1);
    assert!(d.nothing_due().await, "nobody runs beside it");
    let waiting = tokio::spawn({
        let ledger = d.ledger.clone();
        async move { ledger.claim_jobs(&endpoint("invoices"), 9).await }
    });
    d.ledger
        .finish(Finish {
            reply: silent(),
            ..finish(&suspect[0], done())
        })
        .await
        .unwrap();
    assert_eq!(
        soon(waiting).await.unwrap().unwrap().len(),
        2,
        "its end lets the others in"
    );
}

#[tokio::test]
async fn a_suspect_waits_until_the_others_are_done() {
    let mut d = Desktop::new().await;
    d.take(vec![mail(1), mail(2)]).await;
    let first = d.claim(1).await.pop().unwrap();
    die(&mut d).await;
    let suspect = d.claim(1).await.pop().unwrap();
    assert_eq!(suspect.id, first.id);
    let due = Some(d.hands.now() + chrono::TimeDelta::seconds(5));
    d.ledger
        .finish(Finish {
            due,
            ..finish(&suspect, retry())
        })
        .await
        .unwrap();
    let other = d.claim(9).await.pop().unwrap();
    d.pass(5).await;
    assert!(d.nothing_due().await);
    d.ledger.release(other.id, other.lease.fence()).await.unwrap();
    let next = d.claim(9).await;
    assert_eq!(next.len(), 1, "the other is due longer, but has no suspect beside it");
    assert_eq!(next[0].id, other.id);
}

#[tokio::test]
async fn poison_is_held_and_the_next_goes_on() {
    let mut d = Desktop::new().await;
    d.take(vec![mail(1), mail(2)]).await;
    for times in 0..POISON {
        let job = d.claim(1).await.pop().unwrap();
        assert_eq!((job.mail.0, job.attempt, job.interrupted), (1, times + 1, times));
        die(&mut d).await;
    }
    assert_eq!(d.run(done(), silent()).await.mail.0, 2);
    let rows = d.ledger.overview(9).await.unwrap();
    assert_eq!(
        (rows[1].state, rows[1].reason.as_deref()),
        (State::Held, Some("poison"))
    );
    assert_eq!(rows[1].interrupted, POISON);
    assert_eq!(d.settling().await, [(2, MailOutcome::Done)]);
}

#[tokio::test]
async fn only_one_job_has_its_last_chance_at_a_time() {
    let mut d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let orders = Intake {
        mailbox: WatchedMailbox::new(MailboxKey("imap://orders@example.com/INBOX".into()), Fence::NONE),
        endpoints: vec![endpoint("orders")],
        cursor: Cursor {
            uid_validity: 1,
            uid_next: 2,
        },
        mails: vec![mail(1)],
    };
    d.ledger.take(orders).await.unwrap();
    for _ in 1..POISON {
        d.claim(1).await;
        soon(d.ledger.claim_jobs(&endpoint("orders"), 1)).await.unwrap();
        die(&mut d).await;
    }
    let innocent = soon(d.ledger.claim_jobs(&endpoint("orders"), 1))
        .await
        .unwrap()
        .pop()
        .unwrap();
    assert!(
        d.nothing_due().await,
        "both would be held if one of them killed the process"
    );
    let waiting = tokio::spawn({
        let ledger = d.ledger.clone();
        async move { ledger.claim_jobs(&endpoint("invoices"), 1).await }
    });
    tokio::task::yield_now().await;
    d.ledger.ping().await.unwrap();
    d.ledger
        .finish(Finish {
            reply: silent(),
            ..finish(&innocent, done())
        })
        .await
        .unwrap();
    let last = soon(waiting).await.unwrap().unwrap().pop().unwrap();
    assert_eq!(last.interrupted, POISON - 1, "its turn comes by itself");
}
