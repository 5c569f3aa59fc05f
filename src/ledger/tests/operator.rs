//! What an operator sees: lists, pauses, and what happens.

use super::*;
use crate::{
    job::state::State,
    ledger::{EventCursor, EventKind, JobFilter, JobTable, PausedBy, Summary},
};

async fn beside(d: &Desktop) -> ExternalSqlite {
    ExternalSqlite::open(&d.path()).await.unwrap()
}

async fn ids(d: &Desktop, filter: JobFilter) -> Vec<JobId> {
    let page = beside(d).await.list(filter.clone()).await.unwrap();
    let inside = JobTable::list(&*d.ledger, filter).await.unwrap();
    assert_eq!(page, inside, "both doors see the same");
    page.jobs.iter().map(|job| job.id).collect()
}

#[tokio::test]
async fn jobs_are_found_by_what_people_know_of_them() {
    let d = Desktop::new().await;
    d.take((1..=4).map(mail).collect()).await;
    let mut made = Vec::new();
    for (from, subject, outcome) in [
        ("ann@a.example", "Invoice 50%_off", done()),
        ("Bob@B.example", "invoice 7", failed()),
        ("eve@a.example", "hello", ignored()),
    ] {
        let job = d.claim(1).await.remove(0);
        let summary = Some(Summary {
            from: from.into(),
            subject: subject.into(),
            message_id: String::new(),
        });
        let end = Finish {
            summary,
            reply: silent().filter(|_| !matches!(outcome, Outcome::Ignored { .. })),
            ..finish(&job, outcome)
        };
        d.ledger.finish(end).await.unwrap();
        made.push(job.id);
    }
    let all = ids(&d, JobFilter::default()).await;
    assert_eq!(
        (all.len(), &all[1..]),
        (4, &[made[2], made[1], made[0]][..]),
        "newest first"
    );
    let state = |states: &[State]| JobFilter {
        states: states.to_vec(),
        ..JobFilter::default()
    };
    let text = |sender: Option<&str>, subject: Option<&str>| JobFilter {
        sender: sender.map(str::to_owned),
        subject: subject.map(str::to_owned),
        ..JobFilter::default()
    };
    let endpoint = |name: &str| JobFilter {
        endpoint: Some(name.into()),
        ..JobFilter::default()
    };
    let far = d.hands.now() + chrono::TimeDelta::days(3_650);
    for (filter, expected) in [
        (state(&[State::Failed]), vec![made[1]]),
        (state(&[State::Queued]), vec![all[0]]),
        (state(&[State::Running]), vec![]),
        (state(&[State::Done, State::Failed]), vec![made[1], made[0]]),
        (state(&[State::Failed, State::Held, State::Waiting]), vec![made[1]]),
        (state(&State::ALL), all.clone()),
        (text(Some("b.EXAMPLE"), None), vec![made[1]]),
        (text(None, Some("INVOICE")), vec![made[1], made[0]]),
        (text(None, Some("50%_")), vec![made[0]]),
        (text(None, Some("5%o")), vec![]),
        (text(Some("a.example"), Some("hello")), vec![made[2]]),
        (endpoint("invoices"), all.clone()),
        (endpoint("other"), vec![]),
        (
            JobFilter {
                since: Some(far),
                ..JobFilter::default()
            },
            vec![],
        ),
        (
            JobFilter {
                until: Some(far),
                ..state(&[State::Done])
            },
            vec![made[0]],
        ),
        (
            JobFilter {
                endpoint: Some("invoices".into()),
                ..state(&[State::Failed])
            },
            vec![made[1]],
        ),
    ] {
        assert_eq!(ids(&d, filter.clone()).await, expected, "{filter:?}");
    }
    let whole = made[1].to_string();
    for (prefix, expected) in [(whole.as_str(), 1), ("0", 4), ("zz", 0), ("", 0), ("ffffffff", 0)] {
        assert_eq!(beside(&d).await.find(prefix).await.unwrap().len(), expected, "{prefix}");
    }
    // What lists show, from its end and from its beginning on.
    let shown = made[1].short();
    for part in [&*shown, &shown[..6], &shown[3..]] {
        assert!(
            beside(&d).await.find(part).await.unwrap().contains(&made[1]),
            "{part} of {shown}"
        );
    }
}

#[tokio::test]
async fn pages_follow_one_another() {
    let d = Desktop::new().await;
    d.take((1..=7).map(mail).collect()).await;
    let all = ids(&d, JobFilter::default()).await;
    let mut filter = JobFilter {
        limit: 3,
        ..JobFilter::default()
    };
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let page = beside(&d).await.list(filter.clone()).await.unwrap();
        seen.extend(page.jobs.iter().map(|job| job.id));
        pages += 1;
        match page.next {
            Some(next) => filter.before = Some(next),
            None => break,
        }
    }
    assert_eq!((seen, pages), (all, 3));
}

#[tokio::test]
async fn a_paused_endpoint_claims_nothing_until_it_is_resumed() {
    let mut d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let pause = beside(&d).await.pause("invoices").await.unwrap();
    assert_eq!((pause.by, pause.waiting), (PausedBy::Operator, 1));
    assert_eq!(beside(&d).await.pause("invoices").await.unwrap().since, pause.since);
    assert!(d.nothing_due().await);
    d.take(vec![mail(2)]).await;
    d.reopen().await;
    assert!(d.nothing_due().await, "also after a restart; mails are taken and wait");
    let name = endpoint("invoices");
    assert!(
        !d.ledger.resume_changed(&name, [1; 32]).await.unwrap(),
        "only an operator resumes it"
    );
    assert_eq!(JobTable::pauses(&*d.ledger).await.unwrap()[0].waiting, 2);

    let waiting = {
        let ledger = d.ledger.clone();
        tokio::spawn(async move { ledger.claim_jobs(&endpoint("invoices"), 9).await.unwrap().len() })
    };
    assert!(beside(&d).await.resume("invoices").await.unwrap().is_some());
    assert_eq!(soon(waiting).await.unwrap(), 2, "who waits notices");
    assert!(beside(&d).await.resume("invoices").await.unwrap().is_none());
}

#[tokio::test]
async fn a_webhook_that_is_gone_pauses_its_endpoint_until_it_is_another() {
    let mut d = Desktop::new().await;
    d.take(vec![mail(1), mail(2)]).await;
    let job = d.claim(1).await.remove(0);
    let end = Finish {
        due: Some(d.hands.now()),
        gone: Some([7; 32]),
        ..finish(&job, retry())
    };
    d.ledger.finish(end).await.unwrap();
    assert!(d.nothing_due().await);
    d.reopen().await;
    let name = endpoint("invoices");
    assert!(
        !d.ledger.resume_changed(&name, [7; 32]).await.unwrap(),
        "it is the same"
    );
    assert!(d.nothing_due().await);
    assert!(d.ledger.resume_changed(&name, [8; 32]).await.unwrap());
    assert_eq!(d.claim(9).await.len(), 2);
}

#[tokio::test]
async fn what_happens_can_be_followed() {
    let d = Desktop::new().await;
    let start = beside(&d).await.newest_event().await.unwrap();
    d.take(vec![mail(1)]).await;
    let job = d.run(failed(), send()).await;
    let reply = soon(d.ledger.claim_replies("contoso", 1)).await.unwrap().remove(0);
    let end = Submitted::Refused("550 no".into());
    d.ledger.submitted(reply.job, Fence(1), end).await.unwrap();
    let place = Place {
        uid_validity: 1,
        uid: 1,
    };
    d.ledger.settled(&nobodys(&mailbox()), &[place]).await.unwrap();
    beside(&d).await.pause("invoices").await.unwrap();
    beside(&d).await.resume("invoices").await.unwrap();
    let page = beside(&d).await.events(start, None, 100).await.unwrap();
    let kinds: Vec<_> = page.events.iter().map(|event| event.kind).collect();
    assert_eq!(
        kinds,
        [
            EventKind::Made,
            EventKind::Failed,
            EventKind::ReplyRefused,
            EventKind::Settled,
            EventKind::Paused,
            EventKind::Resumed
        ]
    );
    assert!(
        page.events
            .iter()
            .all(|event| event.endpoint.as_deref() == Some("invoices"))
    );
    assert!(page.events[..4].iter().all(|event| event.job == Some(job.id)));
    assert_eq!(
        (page.events[1].reason.as_deref(), page.events[3].reason.as_deref()),
        (Some("exit-1"), Some("failed"))
    );
    let mut cursor = start;
    let mut seen = Vec::new();
    loop {
        let page = JobTable::events(&*d.ledger, cursor, Some("invoices"), 4).await.unwrap();
        if page.next == cursor {
            break;
        }
        seen.extend(page.events.iter().map(|event| event.kind));
        cursor = page.next;
    }
    assert_eq!(seen, kinds, "page by page");
    let other = beside(&d).await.events(start, Some("other"), 4).await.unwrap();
    assert_eq!((other.events.len(), other.next), (0, page.next));
    let lost = beside(&d).await.events(EventCursor(1 << 40), None, 4).await.unwrap();
    assert_eq!(lost.events, [], "a cursor of another ledger finds nothing");
}

#[tokio::test]
async fn events_are_bounded() {
    let d = Desktop::new().await;
    d.unwatched();
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 70655)
        INSERT INTO event (at, kind) SELECT i, 'made' FROM n";
    d.ledger.change(|tx| Ok(tx.db.execute_batch(many)?)).await.unwrap();
    beside(&d).await.pause("invoices").await.unwrap();
    let count = d.count("SELECT count(*) FROM event").await;
    let newest = d.count("SELECT max(id) FROM event").await;
    assert_eq!((count, newest), (60_000, 70_656));
    let page = beside(&d).await.events(EventCursor(0), None, 1).await.unwrap();
    assert_eq!(page.events[0].cursor.0, newest - count + 1, "the oldest that is there");
}
