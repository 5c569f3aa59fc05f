//! Random interleavings never break what we promise.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::job::state::State;

#[derive(Debug, Clone)]
enum Step {
    Take { uid_validity: u32, uid: u32, text: u8 },
    Claim(usize),
    Finish(usize, u8),
    Release(usize),
    Reply(u8),
    Settle,
    Pass(i64),
    Die,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..3_u32, 1..12_u32, 0..12_u8).prop_map(|(uid_validity, uid, text)| Step::Take { uid_validity, uid, text }),
        4 => (1..4_usize).prop_map(Step::Claim),
        6 => (0..8_usize, 0..5_u8).prop_map(|(which, outcome)| Step::Finish(which, outcome)),
        1 => (0..8_usize).prop_map(Step::Release),
        2 => (0..3_u8).prop_map(Step::Reply),
        2 => Just(Step::Settle),
        2 => (1..40_i64).prop_map(Step::Pass),
        1 => Just(Step::Die),
    ]
}

/// What the world outside knows.
#[derive(Default)]
struct World {
    claimed: Vec<ClaimedJob>,
    ended: BTreeMap<JobId, State>,
    texts: std::collections::BTreeSet<u8>,
    seen: BTreeMap<(u32, u32), u8>,
}

async fn play(d: &mut Desktop, world: &mut World, step: Step) {
    match step {
        Step::Take {
            uid_validity,
            uid,
            text,
        } => {
            let content = *world.seen.entry((uid_validity, uid)).or_insert(text);
            let taken = d.take(vec![at(uid_validity, uid, &format!("text {content}"))]).await;
            assert_eq!(taken.new == 1, world.texts.insert(content), "one job for each content");
        }
        Step::Claim(max) => {
            if !d.nothing_due().await {
                world.claimed.extend(d.claim(max).await);
            }
        }
        Step::Finish(which, outcome) => {
            if which < world.claimed.len() {
                let job = world.claimed.swap_remove(which);
                end(d, world, &job, outcome).await;
            }
        }
        Step::Release(which) => {
            if which < world.claimed.len() {
                let job = world.claimed.swap_remove(which);
                d.ledger.release(job.id, job.lease.fence()).await.unwrap();
            }
        }
        Step::Reply(what) => submit(d, what).await,
        Step::Settle => {
            for validity in 1..3 {
                let due = d.ledger.settling(&mailbox(), validity, 2).await.unwrap();
                let places: Vec<_> = due.iter().map(|settling| settling.place).collect();
                d.ledger.settled(&nobodys(&mailbox()), &places).await.unwrap();
            }
        }
        Step::Pass(seconds) => d.pass(seconds).await,
        Step::Die => {
            d.reopen().await;
            world.claimed.clear();
        }
    }
}

async fn end(d: &Desktop, world: &mut World, job: &ClaimedJob, outcome: u8) {
    let (outcome, state) = match outcome {
        0 => (done(), Some(State::Done)),
        1 => (failed(), Some(State::Failed)),
        2 => (ignored(), Some(State::Ignored)),
        3 => (
            Outcome::Held {
                reason: Reason::Unreadable,
                detail: String::new(),
            },
            None,
        ),
        _ => (retry(), None),
    };
    let due = Some(d.hands.now() + chrono::TimeDelta::seconds(20));
    let reply = if job.mail.0 % 2 == 0 { send() } else { silent() };
    d.ledger
        .finish(Finish {
            due,
            reply,
            ..finish(job, outcome)
        })
        .await
        .unwrap();
    if let Some(state) = state {
        assert_eq!(world.ended.insert(job.id, state), None, "a job ends once");
    }
}

async fn submit(d: &Desktop, what: u8) {
    let claimed = at_once(&d.ledger, d.ledger.claim_replies("contoso", 1)).await;
    for reply in claimed.into_iter().flatten() {
        let what = match what {
            0 => Submitted::Sent(String::new()),
            1 => Submitted::Refused(String::new()),
            _ => Submitted::Later {
                due: d.hands.now() + chrono::TimeDelta::seconds(9),
                detail: String::new(),
            },
        };
        d.ledger.submitted(reply.job, reply.lease.fence(), what).await.unwrap();
    }
}

async fn check(d: &Desktop, world: &World) {
    let rows = d.ledger.overview(usize::MAX).await.unwrap();
    assert_eq!(rows.len(), world.texts.len(), "a job for each mail");
    for row in &rows {
        if let Some(state) = world.ended.get(&row.job) {
            assert_eq!(row.state, *state, "an end is for good");
        } else {
            assert!(!row.state.ended(), "nothing ends by itself");
        }
        assert_eq!(
            row.state == State::Running,
            world.claimed.iter().any(|job| job.id == row.job)
        );
    }
    let check = "SELECT count(*) FROM place p WHERE p.touch <> 'waiting' AND EXISTS (
        SELECT 1 FROM job j LEFT JOIN reply r ON r.job = j.id WHERE j.mail = p.mail
        AND (j.state NOT IN ('done', 'failed', 'ignored') OR r.state IN ('queued', 'running')))";
    assert_eq!(count(d, check).await, 0, "touched only after all has ended");
    let check = "SELECT count(*) FROM place p WHERE p.touch = 'waiting' AND NOT EXISTS (
        SELECT 1 FROM job j LEFT JOIN reply r ON r.job = j.id WHERE j.mail = p.mail
        AND (j.state NOT IN ('done', 'failed', 'ignored') OR r.state IN ('queued', 'running')))";
    assert_eq!(count(d, check).await, 0, "due as soon as all has ended");
    let places = world.seen.len();
    assert_eq!(
        count(d, "SELECT count(*) FROM place").await,
        places as i64,
        "every place is known"
    );
}

async fn count(d: &Desktop, sql: &'static str) -> i64 {
    d.ledger
        .readers
        .read(move |db| Ok(db.query_row(sql, [], |row| row.get(0))?))
        .await
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_or_done_twice(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut d = Desktop::new().await;
            let mut world = World::default();
            for step in steps {
                play(&mut d, &mut world, step).await;
                check(&d, &world).await;
            }
        });
    }
}
