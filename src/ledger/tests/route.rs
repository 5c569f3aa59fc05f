//! Several endpoints on one mailbox: all at once, or one after the other.

use super::*;
use crate::ledger::ReassignedJobs;

fn names(names: &[&str]) -> Vec<EndpointName> {
    names.iter().map(|name| endpoint(name)).collect()
}

async fn take_for(d: &Desktop, endpoints: &[&str], mails: Vec<NewMail>) -> IntakeResult {
    let intake = Intake {
        mailbox: WatchedMailbox::new(mailbox(), Fence::NONE),
        endpoints: names(endpoints),
        cursor: Cursor {
            uid_validity: 1,
            uid_next: 9,
        },
        mails,
    };
    d.ledger.take(intake).await.unwrap()
}

/// Claims the job of an endpoint, and ends it; what it ignores goes on to one of `next`.
async fn end(d: &Desktop, name: &str, outcome: Outcome, next: &[&str]) -> ClaimedJob {
    let job = soon(d.ledger.claim_jobs(&endpoint(name), 1))
        .await
        .unwrap()
        .pop()
        .unwrap();
    let finish = Finish {
        reply: silent(),
        next: names(next),
        ..finish(&job, outcome)
    };
    d.ledger.finish(finish).await.unwrap();
    job
}

/// Endpoints and states of all jobs, oldest first.
async fn jobs(d: &Desktop) -> Vec<String> {
    let rows = d.ledger.overview(100).await.unwrap();
    let word = |row: &OverviewRow| format!("{} {}", row.endpoint, row.state.as_str());
    rows.iter().rev().map(word).collect()
}

async fn settling(d: &Desktop) -> Vec<(MailOutcome, Option<String>)> {
    let due = d.ledger.settling(&mailbox(), 1, 100).await.unwrap();
    let words = |settling: Settling| (settling.verdict, settling.endpoint.map(|name| name.to_string()));
    due.into_iter().map(words).collect()
}

#[tokio::test]
async fn a_mail_is_one_job_at_each_endpoint_however_often_it_is_seen() {
    let d = Desktop::new().await;
    for known in [0, 1] {
        let taken = take_for(&d, &["a", "b"], vec![mail(1)]).await;
        assert_eq!(
            taken,
            IntakeResult {
                new: 1 - known,
                known,
                completed: 0
            }
        );
    }
    assert_eq!(jobs(&d).await, ["a queued", "b queued"]);
    // One that is added later does not get what was there before it.
    take_for(&d, &["a", "b", "c"], vec![mail(1), at(2, 1, "mail 1")]).await;
    assert_eq!(jobs(&d).await, ["a queued", "b queued"]);
    let raw = end(&d, "a", done(), &[]).await.mail;
    assert_eq!(settling(&d).await, [], "b has not ended");
    assert_eq!(d.ledger.raw(raw).await.unwrap(), "mail 1");
    end(&d, "b", ignored(), &[]).await;
    assert_eq!(settling(&d).await, [(MailOutcome::Done, Some("a".to_owned()))]);
}

#[tokio::test]
async fn who_decided_is_told() {
    type Case<'a> = (&'a [fn() -> Outcome], MailOutcome, Option<&'a str>);
    let cases: [Case<'_>; 6] = [
        (&[done, done, ignored], MailOutcome::Done, Some("a")),
        (&[ignored, done, done], MailOutcome::Done, Some("b")),
        (&[done, failed, failed], MailOutcome::Failed, Some("b")),
        (&[ignored, ignored, failed], MailOutcome::Failed, Some("c")),
        (&[failed, done, ignored], MailOutcome::Failed, Some("a")),
        (&[ignored, ignored, ignored], MailOutcome::Ignored, None),
    ];
    for (outcomes, verdict, decider) in cases {
        let d = Desktop::new().await;
        take_for(&d, &["a", "b", "c"], vec![mail(1)]).await;
        // Who ends first does not count.
        for (name, outcome) in ["a", "b", "c"].iter().zip(outcomes).rev() {
            end(&d, name, outcome(), &[]).await;
        }
        assert_eq!(settling(&d).await, [(verdict, decider.map(str::to_owned))]);
    }
}

#[tokio::test]
async fn what_one_ignores_goes_to_the_next_in_the_same_step() {
    let mut d = Desktop::new().await;
    take_for(&d, &["a"], vec![mail(1)]).await;
    end(&d, "a", ignored(), &["b", "c"]).await;
    // Whatever dies now: the next one has the mail.
    d.reopen().await;
    assert_eq!(jobs(&d).await, ["a ignored", "b queued"]);
    assert_eq!(settling(&d).await, []);
    end(&d, "b", ignored(), &["a", "c"]).await;
    assert_eq!(jobs(&d).await, ["a ignored", "b ignored", "c queued"]);
    end(&d, "c", ignored(), &["a", "b"]).await;
    assert_eq!(settling(&d).await, [(MailOutcome::Ignored, None)]);
    assert_eq!(jobs(&d).await, ["a ignored", "b ignored", "c ignored"]);
}

#[tokio::test]
async fn only_what_is_ignored_goes_on() {
    for (outcome, verdict) in [(done(), MailOutcome::Done), (failed(), MailOutcome::Failed)] {
        let d = Desktop::new().await;
        take_for(&d, &["a"], vec![mail(1)]).await;
        end(&d, "a", outcome, &["b"]).await;
        assert_eq!(jobs(&d).await.len(), 1);
        assert_eq!(settling(&d).await, [(verdict, Some("a".to_owned()))]);
    }
    let d = Desktop::new().await;
    take_for(&d, &["a"], vec![mail(1)]).await;
    let held = Outcome::Held {
        reason: Reason::Slow,
        detail: "x".into(),
    };
    end(&d, "a", held, &["b"]).await;
    assert_eq!(jobs(&d).await, ["a held"]);
}

/// A finish that is refused hands nothing on.
#[tokio::test]
async fn a_stale_end_hands_nothing_on() {
    let d = Desktop::new().await;
    take_for(&d, &["a"], vec![mail(1)]).await;
    let job = end(&d, "a", ignored(), &["b"]).await;
    let again = Finish {
        next: names(&["c"]),
        ..finish(&job, ignored())
    };
    assert_eq!(d.ledger.finish(again).await, Err(Error::Stale(job.id)));
    assert_eq!(jobs(&d).await, ["a ignored", "b queued"]);
}

#[tokio::test]
async fn the_next_one_is_woken() {
    let d = Desktop::new().await;
    take_for(&d, &["a"], vec![mail(1)]).await;
    let (ledger, next) = (d.ledger.clone(), endpoint("b"));
    let waiting = tokio::spawn(async move { ledger.claim_jobs(&next, 1).await.unwrap().len() });
    end(&d, "a", ignored(), &["b"]).await;
    assert_eq!(soon(waiting).await.unwrap(), 1);
}

#[tokio::test]
async fn jobs_of_endpoints_that_are_gone_go_on() {
    let d = Desktop::new().await;
    take_for(&d, &["gone"], vec![mail(1), mail(2)]).await;
    take_for(&d, &["broken"], vec![mail(3)]).await;
    // One of them had begun.
    let job = soon(d.ledger.claim_jobs(&endpoint("gone"), 1))
        .await
        .unwrap()
        .pop()
        .unwrap();
    let later = Finish {
        due: Some(d.hands.now()),
        ..finish(&job, retry())
    };
    d.ledger.finish(later).await.unwrap();
    let known = names(&["a", "broken"]);
    for expected in [
        ReassignedJobs {
            jobs: 1,
            left: 1,
            waits: false,
        },
        ReassignedJobs {
            jobs: 0,
            left: 1,
            waits: false,
        },
    ] {
        let handed = d
            .ledger
            .reassign_orphans(&mailbox(), &known, &names(&["a"]))
            .await
            .unwrap();
        assert_eq!(handed, expected);
    }
    assert_eq!(
        jobs(&d).await,
        ["gone deferred", "gone ignored", "broken queued", "a queued"]
    );
    end(&d, "a", done(), &[]).await;
    assert_eq!(settling(&d).await, [(MailOutcome::Done, Some("a".to_owned()))]);

    // Another mailbox is none of its business.
    let elsewhere = MailboxKey("imap://else@example.com/INBOX".into());
    let handed = d
        .ledger
        .reassign_orphans(&elsewhere, &[], &names(&["a"]))
        .await
        .unwrap();
    assert_eq!(handed, ReassignedJobs::default());

    // Where nobody comes next, the mail ends.
    let handed = d
        .ledger
        .reassign_orphans(&mailbox(), &names(&["gone"]), &[])
        .await
        .unwrap();
    assert_eq!(
        handed,
        ReassignedJobs {
            jobs: 1,
            left: 0,
            waits: false
        }
    );
    assert_eq!(settling(&d).await.len(), 2);
}

#[tokio::test]
async fn jobs_for_mails_of_other_mailboxes_are_told_until_they_begin() {
    let d = Desktop::new().await;
    take_for(&d, &["a"], vec![mail(1), mail(2)]).await;
    let elsewhere = MailboxKey("imap://else@example.com/INBOX".into());
    let strays = async |home: &MailboxKey| d.ledger.strays(&endpoint("a"), home).await.unwrap();
    assert_eq!(strays(&mailbox()).await, []);
    assert_eq!(strays(&elsewhere).await, [mailbox()]);
    assert_eq!(d.ledger.strays(&endpoint("b"), &elsewhere).await.unwrap(), []);
    let claimed = soon(d.ledger.claim_jobs(&endpoint("a"), 2)).await.unwrap();
    assert_eq!((claimed.len(), strays(&elsewhere).await.len()), (2, 0));
}
