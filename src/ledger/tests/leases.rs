//! Who works on what: nothing is anybody's for ever, and nothing is two owners'.

use super::*;
use crate::{
    job::state::State,
    ledger::{
        db,
        lease::{LeaseHolder, Owner, TERM, Tenure},
        rules::{finish as ending, leases, recover},
        values::micros,
        wake::Claimable as _,
    },
};
use proptest::prelude::*;

/// Longer than a claim lasts that nobody prolongs.
const LONG: i64 = TERM / 1_000_000 + 1;

#[tokio::test]
async fn a_job_that_was_lost_sight_of_is_run_again_while_the_process_lives() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let lost = soon(d.ledger.claim_jobs(&endpoint("invoices"), 1))
        .await
        .unwrap()
        .remove(0);
    let stale = finish(&lost, done());
    d.pass(LONG - 2).await;
    assert!(d.nothing_due().await, "its time is not over");
    // As where giving it back fails, or what ran it panics.
    drop(lost);
    d.pass(LONG).await;
    let again = d.claim(1).await.remove(0);
    assert_eq!((again.attempt, again.interrupted), (2, 1));
    let late = d.ledger.finish(stale).await;
    assert!(matches!(late, Err(Error::Stale(_))), "{late:?}");
    d.ledger.finish(finish(&again, done())).await.unwrap();
}

#[tokio::test]
async fn what_is_worked_on_stays_ones_own_however_long_it_takes() {
    let d = Desktop::new().await;
    d.take(vec![mail(1), mail(2)]).await;
    d.run(done(), send()).await;
    let job = soon(d.ledger.claim_jobs(&endpoint("invoices"), 1))
        .await
        .unwrap()
        .remove(0);
    let reply = soon(d.ledger.claim_replies("contoso", 1)).await.unwrap().remove(0);
    // Also where nobody looked for long, as after the machine slept.
    for seconds in [20, 20, 20, 20, 59, 61, 86_400, 5] {
        d.pass(seconds).await;
        assert!(d.nothing_due().await, "{seconds}");
        assert!(at_once(&d.ledger, d.ledger.claim_replies("contoso", 1)).await.is_none());
    }
    d.ledger.finish(finish(&job, done())).await.unwrap();
    let sent = Submitted::Sent("250".into());
    d.ledger.submitted(reply.job, reply.lease.fence(), sent).await.unwrap();
}

#[tokio::test]
async fn a_reply_that_was_lost_sight_of_is_sent_again_while_the_process_lives() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    d.run(done(), send()).await;
    let lost = soon(d.ledger.claim_replies("contoso", 1)).await.unwrap().remove(0);
    let (job, fence) = (lost.job, lost.lease.fence());
    // As where a reload stops the loop before the server's answer could be noted.
    drop(lost);
    d.pass(LONG).await;
    let again = soon(d.ledger.claim_replies("contoso", 1)).await.unwrap().remove(0);
    assert_eq!((again.job, again.attempt), (job, 2));
    let late = d.ledger.submitted(job, fence, Submitted::Sent("250".into())).await;
    assert!(matches!(late, Err(Error::Stale(_))), "{late:?}");
}

#[tokio::test]
async fn whoever_waits_for_a_job_gets_it_when_its_lease_ends() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    drop(soon(d.ledger.claim_jobs(&endpoint("invoices"), 1)).await.unwrap());
    let name = endpoint("invoices");
    let mut waiting = Box::pin(d.ledger.claim_jobs(&name, 1));
    assert!((&mut waiting).now_or_never().is_none());
    d.pass(LONG).await;
    assert_eq!(soon(waiting).await.unwrap().len(), 1);
}

#[tokio::test]
async fn half_a_mail_goes_when_nothing_comes_of_it_any_more() {
    let d = Desktop::new().await;
    let upload = UploadId(uuid::Uuid::from_u128(7));
    let piece = Bytes::from_static(b"half");
    d.ledger
        .upload(&nobodys(&mailbox()), upload, 0, piece.clone())
        .await
        .unwrap();
    for index in 1..4 {
        d.pass(3_000).await;
        d.ledger
            .upload(&nobodys(&mailbox()), upload, index, piece.clone())
            .await
            .unwrap();
    }
    assert_eq!(d.count("SELECT count(*) FROM chunk").await, 4, "it comes slowly");
    d.pass(3_601).await;
    d.pass(6).await;
    assert_eq!(d.count("SELECT count(*) FROM upload").await, 0);
    assert_eq!(d.count("SELECT count(*) FROM chunk").await, 0);
    let missing = d.ledger.upload(&nobodys(&mailbox()), upload, 4, piece).await;
    assert!(matches!(missing, Err(Error::Missing(_))), "{missing:?}");
}

fn holder() -> LeaseHolder {
    LeaseHolder::new(Owner::new(), &Clock::system())
}

/// A ledger's tables, worked on by several owners.
struct Tables {
    _desktop: Desktop,
    db: Box<dyn db::SqlEngine>,
    now: i64,
}

impl Tables {
    async fn new(jobs: u32) -> Self {
        let d = Desktop::new().await;
        d.take((1..=jobs).map(mail).collect()).await;
        d.ledger.close().await;
        let db = tables(&d.address());
        Self {
            db,
            now: micros(d.hands.now()),
            _desktop: d,
        }
    }

    fn tx<'a>(&'a self, holder: &'a LeaseHolder) -> Transaction<'a> {
        Transaction::new(&*self.db, self.now, holder)
    }

    fn claim(&self, holder: &LeaseHolder, max: usize) -> Vec<ClaimedJob> {
        ClaimedJob::claim(&self.tx(holder), &endpoint("invoices"), max).unwrap()
    }

    fn states(&self, state: State) -> i64 {
        let query = self.db.prepare("SELECT count(*) FROM job WHERE state = ?1");
        query.query_row([state.as_str()], |row| row.get(0)).unwrap()
    }

    /// Until when a job is this owner's in this attempt.
    fn until(&self, job: &ClaimedJob, owner: Owner) -> Option<i64> {
        let sql = "SELECT until FROM job WHERE uuid = ?1 AND state = 'running' AND owner = ?2 AND fence = ?3";
        let query = self.db.prepare(sql);
        query
            .query_row(db::params![job.id, owner.0, job.lease.fence().0], |row| row.get(0))
            .ok()
    }
}

#[tokio::test]
async fn a_start_steals_nothing_from_who_lives_unless_a_lock_shows_that_nobody_does() {
    let mut tables = Tables::new(2).await;
    let (one, two) = (holder(), holder());
    let job = tables.claim(&one, 1).remove(0);
    tables.now += TERM - 1;
    recover::look(&mut tables.tx(&two)).unwrap();
    assert_eq!(tables.claim(&two, 9).len(), 1, "the other one only");
    // The lock of the file is taken: whoever had it before is dead.
    let reading = ClockReading {
        wall: tables.now,
        run: None,
    };
    recover::begin(&mut tables.tx(&two), reading).unwrap();
    assert_eq!(tables.states(State::Running), 1, "its own stays");
    let refused = ending::finish(&mut tables.tx(&one), finish(&job, done()));
    assert!(matches!(refused, Err(Error::Stale(_))), "{refused:?}");
    assert_eq!(tables.states(State::Queued), 1);
}

/// What one of two owners does, or time.
#[derive(Debug, Clone)]
enum Step {
    Pass(i64),
    Claim(usize, usize),
    Finish(usize, usize),
    Lose(usize, usize),
    Look(usize),
    Die(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..TERM).prop_map(Step::Pass),
        3 => (0..2usize, 1..4usize).prop_map(|(owner, max)| Step::Claim(owner, max)),
        2 => (0..2usize, 0..9usize).prop_map(|(owner, which)| Step::Finish(owner, which)),
        1 => (0..2usize, 0..9usize).prop_map(|(owner, which)| Step::Lose(owner, which)),
        4 => (0..2usize).prop_map(Step::Look),
        1 => (0..2usize).prop_map(Step::Die),
    ]
}

/// An owner's work: each job, and until when he believes that it is his.
struct Work {
    holder: LeaseHolder,
    jobs: Vec<(ClaimedJob, i64)>,
}

impl Work {
    fn new() -> Self {
        Self {
            holder: holder(),
            jobs: Vec::new(),
        }
    }
}

fn play(mut tables: Tables, jobs: i64, steps: Vec<Step>) {
    let mut owners = [Work::new(), Work::new()];
    for step in steps {
        match step {
            Step::Pass(time) => tables.now += time,
            Step::Claim(owner, max) => {
                let work = &mut owners[owner];
                let until = tables.now + TERM;
                let claimed = tables.claim(&work.holder, max);
                work.jobs.extend(claimed.into_iter().map(|job| (job, until)));
            }
            Step::Finish(owner, which) => {
                let work = &mut owners[owner];
                if work.jobs.is_empty() {
                    continue;
                }
                let (job, until) = work.jobs.swap_remove(which % work.jobs.len());
                let is_his = tables.until(&job, work.holder.owner).is_some();
                assert!(is_his || until <= tables.now, "it was taken from him before its time");
                match ending::finish(&mut tables.tx(&work.holder), finish(&job, done())) {
                    Ok(_) => assert!(is_his),
                    Err(Error::Stale(_)) => assert!(!is_his),
                    Err(error) => panic!("{error}"),
                }
            }
            Step::Lose(owner, which) => {
                let work = &mut owners[owner];
                if !work.jobs.is_empty() {
                    work.jobs.swap_remove(which % work.jobs.len());
                }
            }
            Step::Look(owner) => {
                let work = &mut owners[owner];
                recover::look(&mut tables.tx(&work.holder)).unwrap();
                for (job, until) in &mut work.jobs {
                    *until = tables.until(job, work.holder.owner).unwrap_or(*until);
                }
            }
            // Another start of it.
            Step::Die(owner) => owners[owner] = Work::new(),
        }
        let hold = owners.iter().flat_map(|work| &work.jobs);
        let mut held: Vec<_> = hold
            .filter(|(_, until)| *until > tables.now)
            .map(|(job, _)| job.id)
            .collect();
        let all = held.len();
        held.sort_by_key(|job| job.0);
        held.dedup();
        assert_eq!(held.len(), all, "two work on one job");
    }
    // Everybody is gone: somebody who comes finds all of it.
    drop(owners);
    tables.now += TERM;
    recover::look(&mut tables.tx(&holder())).unwrap();
    let over = [State::Queued, State::Held, State::Done].map(|state| tables.states(state));
    assert_eq!(over.iter().sum::<i64>(), jobs, "{over:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_job_is_two_owners_and_none_is_nobodys_for_ever(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let jobs = 4;
        let tables = runtime.block_on(Tables::new(jobs));
        play(tables, jobs.into(), steps);
    }
}

/// A row as it is, and whether this process holds on to it.
fn row() -> impl Strategy<Value = (Tenure, bool)> {
    let owner = prop_oneof![Just(None), (1..4_i64).prop_map(|owner| Some(Owner(owner)))];
    (owner, 1..9_i64, -TERM..TERM * 2, any::<bool>()).prop_map(|(owner, fence, left, held)| {
        let tenure = Tenure {
            owner,
            fence: Fence(fence),
            until: 2 * TERM + left,
        };
        (tenure, held)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_tables_renew_and_end_leases_as_the_rule_says(rows in prop::collection::vec(row(), 1..9)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut tables = runtime.block_on(Tables::new(0));
        tables.now = 2 * TERM;
        let holder = LeaseHolder::new(Owner(1), &Clock::system());
        let (mut held, mut wanted) = (Vec::new(), Vec::new());
        for (number, (tenure, is_held)) in (1..).zip(rows) {
            let insert = "INSERT INTO lease (id, kind, name, owner, fence, until, who) VALUES (?1, 'sign-in', ?1, ?2, ?3, ?4, 'x')";
            let owner = tenure.owner.map(|owner| owner.0);
            tables.db.prepare(insert).execute(db::params![number, owner, tenure.fence.0, tenure.until]).unwrap();
            let mut after = tenure;
            if is_held {
                held.push(holder.sign_ins.hold(number, tenure.fence));
                after = tenure.renew(holder.owner, tenure.fence, tables.now, holder.sign_ins.term).unwrap_or(tenure);
            }
            wanted.push(after.at(tables.now));
        }
        recover::look(&mut tables.tx(&holder)).unwrap();
        let query = tables.db.prepare("SELECT owner, fence, until FROM lease ORDER BY id");
        let found = query.query_map((), |row| leases::tenure(row, 0)).unwrap();
        let found: Vec<_> = found.map(Result::unwrap).collect();
        prop_assert_eq!(found, wanted);
    }
}
