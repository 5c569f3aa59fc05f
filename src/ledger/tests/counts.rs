//! What waits, in numbers.

use chrono::TimeDelta;

use super::*;
use crate::{
    ledger::{
        ReplyState,
        counts::{Counts, ReplyCount},
    },
    status::JobTotals,
};

#[tokio::test]
async fn each_state_has_its_number_from_both_doors() {
    let d = Desktop::new().await;
    assert_eq!(d.ledger.counts().await.unwrap(), Counts::default());
    d.take((1..=7).map(mail).collect()).await;
    d.run(done(), send()).await;
    d.run(failed(), silent()).await;
    d.run(ignored(), None).await;
    let held = Outcome::Held {
        reason: Reason::Unreadable,
        detail: "no".into(),
    };
    d.run(held, None).await;
    let job = d.claim(1).await.pop().unwrap();
    let later = Finish {
        due: Some(d.hands.now() + TimeDelta::seconds(60)),
        ..finish(&job, retry())
    };
    d.ledger.finish(later).await.unwrap();
    let _running = d.claim(1).await;
    let counts = d.ledger.counts().await.unwrap();
    let jobs = JobTotals {
        queued: 1,
        running: 1,
        deferred: 1,
        waiting: 0,
        held: 1,
        failed: 1,
    };
    assert_eq!(counts.jobs["invoices"], jobs);
    assert_eq!(counts.oldest_due["invoices"], d.hands.now());
    let reply = ReplyCount {
        endpoint: "invoices".into(),
        account: "contoso".into(),
        state: ReplyState::Queued,
        count: 1,
    };
    assert_eq!(counts.replies, [reply]);
    assert_eq!(
        (counts.replies("invoices").waiting, counts.replies("other").waiting),
        (1, 0)
    );
    let setback = &counts.setbacks["invoices"];
    assert_eq!(setback.next, d.hands.now() + TimeDelta::seconds(60));
    assert!(setback.reason.is_some() && setback.detail.is_some(), "{setback:?}");
    assert_eq!(d.beside().await.counts().await.unwrap(), counts);
}

#[tokio::test]
async fn jobs_that_wait_for_a_person_are_told_before_others_also_while_one_is_tried() {
    let d = Desktop::new().await;
    d.take((1..=2).map(mail).collect()).await;
    let later = |reason| Outcome::Retry {
        reason,
        detail: format!("{reason:?}"),
        not_before: None,
    };
    for (reason, seconds) in [(Reason::Status(401), 60), (Reason::Status(503), 5)] {
        let job = d.claim(1).await.pop().unwrap();
        let due = Some(d.hands.now() + TimeDelta::seconds(seconds));
        let finish = Finish {
            due,
            ..finish(&job, later(reason))
        };
        d.ledger.finish(finish).await.unwrap();
    }
    let told = async || {
        let setback = d.ledger.counts().await.unwrap().setbacks["invoices"].clone();
        (setback.reason.unwrap(), setback.needs_person)
    };
    assert_eq!(told().await, ("status-401".to_owned(), true));
    // The waits of who was tried count, and no others.
    d.pass(120).await;
    let claimed = d.claim(2).await;
    assert_eq!(claimed.iter().map(|job| job.retries).sum::<u32>(), 1);
    assert_eq!(told().await, ("status-401".to_owned(), true));
    for job in claimed {
        d.ledger.finish(finish(&job, done())).await.unwrap();
    }
    assert!(d.ledger.counts().await.unwrap().setbacks.is_empty());
}

#[tokio::test]
async fn a_file_is_measured_with_its_log() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let file = crate::ledger::space(&d.address());
    let alone = std::fs::metadata(d.path()).unwrap().len();
    assert!(file.size.unwrap() > alone && file.free.unwrap() > 0, "{file:?}");
}
