//! What is had by its name: mailboxes that are watched, sign-ins that are used; and who lives, of whom.

use super::*;
use crate::ledger::{
    db,
    lease::{LeaseHolder, MAILBOX_TERM, Owner, SIGN_IN_TERM},
    rules::{
        leases::{self, LeaseAttempt, NamedLease},
        owners, recover, route, settle, sign_in, take,
    },
    values::micros,
};

/// Processes at one ledger, beside one another: as where an engine lets several in.
struct Fleet {
    d: Desktop,
    db: Box<dyn db::SqlEngine>,
    now: i64,
}

impl Fleet {
    async fn new() -> Self {
        let d = Desktop::new().await;
        d.take(vec![mail(1), mail(2)]).await;
        d.ledger.close().await;
        let db = tables(&d.address());
        db.prepare("DELETE FROM owner").execute(()).unwrap();
        let now = micros(d.hands.now());
        Self { d, db, now }
    }

    /// One more process.
    fn process(&self) -> LeaseHolder {
        let holder = LeaseHolder::new(Owner::new(), &self.d.hands.clock());
        owners::begin(&self.tx(&holder)).unwrap();
        holder
    }

    fn tx<'a>(&'a self, holder: &'a LeaseHolder) -> Transaction<'a> {
        Transaction::new(&*self.db, self.now, holder)
    }

    fn watch(&self, holder: &LeaseHolder) -> Option<Lease> {
        match leases::take(&self.tx(holder), NamedLease::Mailbox, &mailbox().0, "process 7 on b").unwrap() {
            LeaseAttempt::Taken(lease) => Some(lease),
            LeaseAttempt::Busy(who) => {
                assert_eq!(who, "process 7 on b");
                None
            }
        }
    }

    fn take(&self, holder: &LeaseHolder, fence: Fence, uid_next: u32) -> Result<IntakeResult, Error> {
        let intake = Intake {
            mailbox: WatchedMailbox::new(mailbox(), fence),
            endpoints: Vec::new(),
            cursor: Cursor {
                uid_validity: 1,
                uid_next,
            },
            mails: Vec::new(),
        };
        take::take(&mut self.tx(holder), intake)
    }

    fn uid_next(&self) -> u32 {
        let query = self.db.prepare("SELECT uid_next FROM mailbox");
        query.query_row((), |row| row.get(0)).unwrap()
    }

    fn look(&self, holder: &LeaseHolder) {
        let mut tx = self.tx(holder);
        recover::look(&mut tx).unwrap();
    }
}

fn is_refused<T: std::fmt::Debug>(done: Result<T, Error>) -> bool {
    matches!(done, Err(Error::Watched { .. }))
}

#[tokio::test]
async fn a_late_watcher_can_t_set_the_cursor_back_nor_settle_what_is_another_s() {
    let mut fleet = Fleet::new().await;
    let (one, two) = (fleet.process(), fleet.process());
    let first = fleet.watch(&one).unwrap();
    assert!(fleet.watch(&two).is_none(), "it is watched");
    assert!(fleet.watch(&one).is_none(), "nor twice by one process");
    fleet.take(&one, first.fence(), 10).unwrap();
    fleet.now += MAILBOX_TERM - 1;
    assert!(fleet.watch(&two).is_none());
    fleet.now += 1;
    let second = fleet.watch(&two).unwrap();
    fleet.take(&two, second.fence(), 20).unwrap();
    // The first one wakes up and does not know.
    assert!(is_refused(fleet.take(&one, first.fence(), 11)));
    assert!(is_refused(settle::settled(
        &fleet.tx(&one),
        &WatchedMailbox::new(mailbox(), first.fence()),
        &[]
    )));
    fleet.look(&one);
    assert!(is_refused(fleet.take(&one, first.fence(), 11)), "it was not renewed");
    assert!(
        is_refused(fleet.take(&two, first.fence(), 11)),
        "nor is an earlier watch of the same process believed"
    );
    leases::give_up(&fleet.tx(&one), NamedLease::Mailbox, &mailbox().0, first.fence()).unwrap();
    assert_eq!(fleet.uid_next(), 20);
    assert!(fleet.watch(&one).is_none(), "what it gave up was not its own");
    // Given back, it is anybody's at once; whoever had it may write no more.
    leases::give_up(&fleet.tx(&two), NamedLease::Mailbox, &mailbox().0, second.fence()).unwrap();
    assert!(is_refused(fleet.take(&two, second.fence(), 30)));
    drop(first);
    let third = fleet.watch(&one).unwrap();
    assert!(third.fence() > second.fence());
    fleet.take(&one, third.fence(), 30).unwrap();
    assert_eq!(fleet.uid_next(), 30);
}

#[tokio::test]
async fn mailboxes_are_renewed_together_while_they_are_held_and_nobody_s_afterwards() {
    let mut fleet = Fleet::new().await;
    let (one, two) = (fleet.process(), fleet.process());
    let lease = fleet.watch(&one).unwrap();
    for _ in 0..9 {
        fleet.now += MAILBOX_TERM / 2;
        fleet.look(&one);
        fleet.look(&two);
        assert!(fleet.watch(&two).is_none());
    }
    drop(lease);
    fleet.look(&one);
    fleet.now += MAILBOX_TERM;
    fleet.look(&two);
    assert!(fleet.watch(&two).is_some());
}

#[tokio::test]
async fn a_watch_is_given_back_at_its_end_and_had_again_at_once() {
    let d = Desktop::new().await;
    let first = d.ledger.watch(&mailbox()).await.unwrap();
    let again = d.ledger.watch(&mailbox()).await;
    assert!(is_refused(again), "it is watched");
    drop(first);
    let second = d.ledger.watch(&mailbox()).await.unwrap();
    drop(second);
    d.ledger.ping().await.unwrap();
    assert_eq!(d.count("SELECT count(*) FROM lease WHERE owner IS NOT NULL").await, 0);
    assert_eq!(d.count("SELECT fence FROM lease").await, 2);
}

#[tokio::test]
async fn a_token_that_was_refreshed_too_late_does_not_take_the_place_of_a_newer_one() {
    let mut fleet = Fleet::new().await;
    let (one, two) = (fleet.process(), fleet.process());
    let turn = |fleet: &Fleet, holder: &LeaseHolder| {
        let tx = fleet.tx(holder);
        leases::take(&tx, NamedLease::SignIn, "contoso", "it").unwrap()
    };
    let token = |text: &str| SealedToken {
        sealed: text.into(),
        origin: None,
        issued: DateTime::UNIX_EPOCH,
        signed_in: DateTime::UNIX_EPOCH,
    };
    let LeaseAttempt::Taken(_first) = turn(&fleet, &one) else {
        panic!("nobody had it")
    };
    assert!(
        matches!(turn(&fleet, &two), LeaseAttempt::Busy(_)),
        "one refresh at a time"
    );
    fleet.now += SIGN_IN_TERM;
    let LeaseAttempt::Taken(_second) = turn(&fleet, &two) else {
        panic!("its time is over")
    };
    let late = sign_in::store(&fleet.tx(&one), "contoso", &token("old"));
    assert!(matches!(late, Err(Error::SignInBusy { .. })), "{late:?}");
    sign_in::store(&fleet.tx(&two), "contoso", &token("new")).unwrap();
}

fn names(names: &[&str]) -> Vec<EndpointName> {
    names.iter().map(|name| endpoint(name)).collect()
}

#[tokio::test]
async fn an_endpoint_is_gone_when_nobody_who_lives_names_it() {
    let fleet = Fleet::new().await;
    let (new, old) = (fleet.process(), fleet.process());
    let orphans = |fleet: &Fleet, holder: &LeaseHolder, known: &[&str]| {
        let mut tx = fleet.tx(holder);
        route::reassign_orphans(&mut tx, &mailbox(), &names(known), &[]).unwrap()
    };
    let announce = |fleet: &Fleet, holder: &LeaseHolder, known: &[&str]| {
        owners::announce(&fleet.tx(holder), &[(mailbox(), names(known))]).unwrap();
    };
    announce(&fleet, &new, &["orders"]);
    let handed = orphans(&fleet, &new, &["orders"]);
    assert!(
        handed.waits && handed.jobs == 0,
        "the other has not said what it knows: {handed:?}"
    );
    announce(&fleet, &old, &["invoices", "orders"]);
    assert_eq!(
        orphans(&fleet, &new, &["orders"]),
        ReassignedJobs::default(),
        "it knows their endpoint"
    );
    // Its files follow, or it dies: whichever comes first.
    announce(&fleet, &old, &["orders"]);
    let done = orphans(&fleet, &new, &["orders"]);
    assert_eq!((done.jobs, done.waits), (2, false));

    let mut fleet = Fleet::new().await;
    let (new, _dead) = (fleet.process(), fleet.process());
    announce(&fleet, &new, &["orders"]);
    fleet.now += MAILBOX_TERM / 2;
    fleet.look(&new);
    assert!(orphans(&fleet, &new, &["orders"]).waits);
    fleet.now += MAILBOX_TERM / 2;
    assert_eq!(orphans(&fleet, &new, &["orders"]).jobs, 2);
    fleet.look(&new);
    let owners = fleet.db.prepare("SELECT count(*) FROM owner");
    assert_eq!(owners.query_row((), |row| row.get::<i64>(0)).unwrap(), 1);
}

#[tokio::test]
async fn a_start_with_the_lock_of_the_file_ends_what_dead_processes_had_but_no_sign_in_beside_it() {
    let mut d = Desktop::new().await;
    let kept = d.ledger.watch(&mailbox()).await.unwrap();
    let side = d.beside().await;
    let turn = soon(side.lock_sign_in("contoso")).await.unwrap();
    // As where the process is killed: nothing is given back.
    d.ledger.close().await;
    drop(kept);
    d.reopen().await;
    drop(d.ledger.watch(&mailbox()).await.unwrap());
    assert!(d.ledger.lock_sign_in("contoso").now_or_never().is_none());
    assert_eq!(
        d.count("SELECT count(*) FROM lease WHERE kind = 'sign-in' AND owner IS NOT NULL")
            .await,
        1
    );
    drop(turn);
    soon(d.ledger.lock_sign_in("contoso")).await.unwrap();
}
