//! Limits hold however many ask at once, and nobody who waits is lost.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::job::state::State;

fn gate(key: &str, rate: &str) -> RateLimit {
    RateLimit {
        key: key.into(),
        rate: rate.parse().unwrap(),
        code: "rate",
    }
}

fn waits(at: DateTime<Utc>) -> Outcome {
    Outcome::Retry {
        reason: Reason::Rate,
        detail: "there are too many".into(),
        not_before: Some(at),
    }
}

#[tokio::test]
async fn ten_thousand_forged_senders_cause_no_more_replies_than_the_limit() {
    const FLOOD: u32 = 10_000;
    let d = Desktop::new().await;
    for mails in (1..=FLOOD).collect::<Vec<_>>().chunks(500) {
        d.take(mails.iter().map(|uid| mail(*uid)).collect()).await;
    }
    let mut ends = tokio::task::JoinSet::new();
    for (n, job) in (0..).zip(d.claim(FLOOD as usize).await) {
        let ledger = d.ledger.clone();
        let gates = vec![
            gate(&format!("to/invoices/{n}@victim.example"), "60/h"),
            gate("replies/invoices", "1000/h"),
        ];
        ends.spawn(async move {
            let end = Finish {
                reply: send(),
                gates,
                ..finish(&job, done())
            };
            ledger.finish(end).await.unwrap();
        });
    }
    while let Some(end) = ends.join_next().await {
        end.unwrap();
    }
    let rows = d.ledger.overview(FLOOD as usize).await.unwrap();
    let silent = rows.iter().filter(|row| row.silent.as_deref() == Some("rate")).count();
    assert_eq!((rows.len(), silent), (10_000, 9_000));
    assert!(rows.iter().all(|row| row.state == State::Done), "every job is done");
}

#[tokio::test]
async fn one_who_is_written_to_in_others_names_gets_no_more_than_the_limit() {
    let d = Desktop::new().await;
    d.take((1..=5).map(mail).collect()).await;
    let victim = || {
        vec![
            gate("to/invoices/ann@a.example", "2/m"),
            gate("replies/invoices", "100/m"),
        ]
    };
    let mut replied = Vec::new();
    for pass in [0, 1, 1, 58, 1] {
        d.pass(pass).await;
        let job = d.claim(1).await.pop().unwrap();
        let end = Finish {
            reply: send(),
            gates: victim(),
            ..finish(&job, done())
        };
        d.ledger.finish(end).await.unwrap();
        replied.push(
            d.ledger
                .overview(9)
                .await
                .unwrap()
                .iter()
                .filter(|row| row.silent.is_some())
                .count(),
        );
    }
    assert_eq!(replied, [0, 0, 1, 1, 1], "room comes back as time passes");
}

#[tokio::test]
async fn a_job_over_the_rate_waits_its_turn_and_is_not_tried_for_nothing() {
    let mut d = Desktop::new().await;
    d.take((1..=5).map(mail).collect()).await;
    let gates = || vec![gate("from/invoices/ann@a.example", "2/m")];
    let mut begun = Vec::new();
    for round in 0..20 {
        if round == 7 {
            d.reopen().await;
        }
        while !d.nothing_due().await {
            let job = d.claim(1).await.pop().unwrap();
            assert_eq!(job.retries, 0, "waiting is no try");
            match d.ledger.admit(job.id, job.attempt, gates()).await.unwrap() {
                Admission::Now => {
                    begun.push(d.hands.now().timestamp() - 1_800_000_000);
                    let end = Finish {
                        reply: silent(),
                        ..finish(&job, done())
                    };
                    d.ledger.finish(end).await.unwrap();
                }
                Admission::At(at) => {
                    let end = Finish {
                        due: Some(at),
                        ..finish(&job, waits(at))
                    };
                    d.ledger.finish(end).await.unwrap();
                }
            }
        }
        d.pass(10).await;
    }
    assert_eq!(begun, [0, 0, 60, 60, 120]);
}

#[tokio::test]
async fn a_job_that_began_is_counted_once_however_often_it_is_tried() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let gates = || vec![gate("jobs/invoices", "1/d")];
    for _ in 0..3 {
        let job = d.claim(1).await.pop().unwrap();
        assert_eq!(
            d.ledger.admit(job.id, job.attempt, gates()).await.unwrap(),
            Admission::Now
        );
        let end = Finish {
            due: Some(d.hands.now()),
            ..finish(&job, retry())
        };
        d.ledger.finish(end).await.unwrap();
    }
    let job = d.claim(1).await.pop().unwrap();
    assert_eq!(job.retries, 3);
    assert!(
        d.ledger.admit(job.id, job.attempt + 1, gates()).await.is_err(),
        "only the running attempt"
    );
}

#[tokio::test]
async fn who_sends_too_much_is_in_nobodys_way() {
    let d = Desktop::new().await;
    d.take((1..=12).map(mail).collect()).await;
    let jobs = d.claim(12).await;
    let of = |sender: &str| {
        vec![
            gate(&format!("from/invoices/{sender}"), "2/h"),
            gate("jobs/invoices", "4/h"),
        ]
    };
    let mut flood = Vec::new();
    for job in &jobs[..10] {
        flood.push(
            d.ledger
                .admit(job.id, job.attempt, of("flood@a.example"))
                .await
                .unwrap()
                == Admission::Now,
        );
    }
    assert_eq!(flood.iter().filter(|now| **now).count(), 2);
    for job in &jobs[10..] {
        assert_eq!(
            d.ledger.admit(job.id, job.attempt, of("ann@a.example")).await.unwrap(),
            Admission::Now
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever comes when, also when everybody slept: never more in any span than may, and everybody begins in the end.
    #[test]
    fn never_more_in_any_span(gaps in prop::collection::vec((0i64..90, 0u8..3), 1..25), sleep in 0i64..400) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let begun = runtime.block_on(async {
            let d = Desktop::new().await;
            let (mut begun, mut uid) = (BTreeMap::<String, Vec<i64>>::new(), 0);
            let mut senders = BTreeMap::new();
            let steps = gaps.iter().copied().map(Some).chain([None; 80]);
            for step in steps {
                match step {
                    Some((gap, sender)) => {
                        d.pass(gap).await;
                        uid += 1;
                        d.take(vec![mail(uid)]).await;
                        senders.insert(i64::from(uid), sender);
                    }
                    None => d.pass(30.max(sleep)).await,
                }
                if uid == 5 {
                    d.pass(sleep).await;
                }
                while !d.nothing_due().await {
                    let job = d.claim(1).await.pop().unwrap();
                    let sender = senders[&job.mail.0];
                    let gates = vec![gate(&format!("from/{sender}"), "2/m"), gate("all", "3/m")];
                    match d.ledger.admit(job.id, job.attempt, gates.clone()).await.unwrap() {
                        Admission::Now => {
                            for gate in gates {
                                begun.entry(gate.key).or_default().push(d.hands.now().timestamp());
                            }
                            let end = Finish { reply: silent(), ..finish(&job, done()) };
                            d.ledger.finish(end).await.unwrap();
                        }
                        Admission::At(at) => {
                            assert!(at > d.hands.now());
                            let end = Finish { due: Some(at), ..finish(&job, waits(at)) };
                            d.ledger.finish(end).await.unwrap();
                        }
                    }
                }
            }
            begun
        });
        prop_assert_eq!(begun["all"].len(), gaps.len());
        for (key, times) in begun {
            let most = if key == "all" { 3 } else { 2 };
            for end in &times {
                let within = times.iter().filter(|at| **at <= *end && **at > end - 60).count();
                prop_assert!(within <= most, "{} {:?}", key, times);
            }
        }
    }
}
