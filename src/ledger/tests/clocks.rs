//! Two clocks: what waits keeps its wait, however the one on the wall is set, at once and over restarts.

use chrono::TimeDelta;
use uuid::Uuid;

use super::*;
use crate::ledger::MonotonicTime;

/// A machine whose clock on the wall can be set.
#[derive(Clone)]
struct Machine {
    wall: Hands,
    up: Hands,
}

impl Machine {
    fn new() -> Self {
        let up = Hands::new();
        Self { wall: Hands::new(), up }
    }

    fn clock(&self) -> Clock {
        let (wall, up) = (self.wall.clone(), self.up.clone());
        let run = move || {
            Some(MonotonicTime {
                id: Uuid::from_u128(7),
                micros: up.now().timestamp_micros(),
            })
        };
        Clock::of(move || wall.now(), run)
    }

    fn pass(&self, seconds: i64) {
        self.set(seconds);
        self.up.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn set(&self, seconds: i64) {
        self.wall.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

struct World {
    machine: Machine,
    d: Desktop,
}

impl World {
    /// A queued job, a deferred one that waits for a minute, a queued reply and one that waits for a minute.
    async fn new() -> Self {
        let (folder, machine) = (TempDir::new().unwrap(), Machine::new());
        let ledger = open(&folder.path().join("mailjob.db"), machine.clock()).await.unwrap();
        let hands = machine.wall.clone();
        let ledger = Arc::new(ledger);
        let world = Self {
            machine,
            d: Desktop::of(folder, hands, ledger),
        };
        let d = &world.d;
        d.take((1..=4).map(mail).collect()).await;
        d.run(done(), send()).await;
        let reply = soon(d.ledger.claim_replies("contoso", 1)).await.unwrap().remove(0);
        let minute = d.hands.now() + TimeDelta::minutes(1);
        let later = Submitted::Later {
            due: minute,
            detail: "451".into(),
        };
        d.ledger.submitted(reply.job, reply.attempt, later).await.unwrap();
        d.run(done(), send()).await;
        let job = d.claim(1).await.remove(0);
        let finish = Finish {
            due: Some(minute),
            ..finish(&job, retry())
        };
        d.ledger.finish(finish).await.unwrap();
        world
    }

    async fn reopen(&mut self) {
        self.d.ledger.close().await;
        let ledger = open(&self.d.path(), self.machine.clock()).await.unwrap();
        self.d.ledger = Arc::new(ledger);
    }

    /// How many jobs and replies can be claimed now, that are given back.
    async fn due(&self) -> (usize, usize) {
        let d = &self.d;
        d.ledger.ping().await.unwrap();
        let jobs = async {
            let jobs = d.ledger.claim_jobs(&endpoint("invoices"), 9).await.unwrap();
            for job in &jobs {
                d.ledger.release(job.id, job.attempt).await.unwrap();
            }
            jobs.len()
        };
        let (mut many, mut replies) = (0, 0);
        tokio::select! {
            biased;
            jobs = jobs => many = jobs,
            () = pings(&d.ledger) => {}
        }
        tokio::select! {
            biased;
            claimed = d.ledger.claim_replies("contoso", 9) => {
                for reply in claimed.unwrap() {
                    replies += 1;
                    let due = d.hands.now();
                    let later = Submitted::Later { due, detail: String::new() };
                    d.ledger.submitted(reply.job, reply.attempt, later).await.unwrap();
                }
            }
            () = pings(&d.ledger) => {}
        }
        (many, replies)
    }
}

/// Long enough for a claim to be looked at, more than once.
async fn pings(ledger: &Sqlite) {
    for _ in 0..3 {
        ledger.ping().await.unwrap();
    }
}

const JUMPS: [i64; 7] = [-3_600, 3_600, -86_400, 86_400, -20_000 * 86_400, 20 * 365 * 86_400, 5];

#[tokio::test]
async fn what_waits_keeps_its_wait_when_the_clock_is_set() {
    for restarts in [false, true] {
        for jump in JUMPS {
            let mut world = World::new().await;
            world.machine.set(jump);
            if restarts {
                world.reopen().await;
            }
            assert_eq!(
                world.due().await,
                (1, 1),
                "{jump} {restarts}: what was due is, and nothing else"
            );
            world.machine.pass(58);
            assert_eq!(world.due().await, (1, 1), "{jump} {restarts}: a moment before");
            world.machine.pass(2);
            assert_eq!(world.due().await, (2, 2), "{jump} {restarts}: when the wait is over");
        }
    }
}

#[tokio::test]
async fn a_claim_that_waits_is_served_when_its_wait_is_over() {
    let world = World::new().await;
    world.machine.set(-7_200);
    assert_eq!(world.due().await, (1, 1));
    let (first, ledger) = (world.d.claim(1).await.remove(0), world.d.ledger.clone());
    let waiting = tokio::spawn(async move { ledger.claim_jobs(&endpoint("invoices"), 1).await });
    pings(&world.d.ledger).await;
    assert!(!waiting.is_finished());
    world.machine.set(86_400);
    pings(&world.d.ledger).await;
    assert!(!waiting.is_finished(), "the clock was set, no time has passed");
    world.machine.pass(60);
    pings(&world.d.ledger).await;
    let served = soon(waiting).await.unwrap().unwrap();
    assert_ne!(served[0].id, first.id);
}

#[tokio::test]
async fn the_days_of_a_reply_are_counted_in_days_that_passed() {
    let world = World::new().await;
    world.machine.pass(3 * 86_400);
    world.machine.set(20 * 365 * 86_400);
    let replies = soon(world.d.ledger.claim_replies("contoso", 9)).await.unwrap();
    let now = world.d.hands.now();
    for reply in &replies {
        assert_eq!((now - reply.made).num_days(), 3);
    }
    assert_eq!(replies.len(), 2);
    world.machine.set(-40 * 365 * 86_400);
    let now = world.d.hands.now();
    for reply in replies {
        assert_eq!((now - reply.tried_since(now)).num_days(), 3, "while it is under way");
    }
}

#[tokio::test]
async fn a_clock_that_jumps_forward_drops_nothing_for_its_age() {
    let world = World::new().await;
    let d = &world.d;
    d.run(ignored(), None).await;
    d.touched(1..=4).await;
    world.machine.pass(60);
    world.machine.set(20 * 365 * 86_400);
    assert_eq!(d.forget(d.hands.now()).await, 0);
    world.machine.set(-20 * 365 * 86_400);
    assert_eq!(d.forget(d.hands.now()).await, 0, "not in the same day");
    world.machine.pass(2 * 86_400);
    assert!(d.forget(d.hands.now()).await > 0, "it is believed again");
}

#[tokio::test]
async fn a_lease_lasts_as_long_whatever_the_clock_on_the_wall_is_set_to() {
    for jump in JUMPS {
        let world = World::new().await;
        let d = &world.d;
        // Nobody works on it any more.
        drop(soon(d.ledger.claim_jobs(&endpoint("invoices"), 1)).await.unwrap());
        let running = "SELECT count(*) FROM job WHERE state = 'running'";
        world.machine.set(jump);
        for (seconds, runs) in [(0, 1), (30, 1), (25, 1), (11, 0)] {
            world.machine.pass(seconds);
            d.ledger.ping().await.unwrap();
            assert_eq!(d.count(running).await, runs, "{jump} {seconds}");
        }
    }
}
