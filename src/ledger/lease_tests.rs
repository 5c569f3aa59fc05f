use chrono::DateTime;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::ledger::MonotonicTime;

/// A clock that runs on, and shows so many microseconds.
fn clock(at: &Arc<AtomicI64>) -> Clock {
    let at = at.clone();
    Clock::of(
        || DateTime::UNIX_EPOCH,
        move || {
            let micros = at.load(Ordering::Relaxed);
            Some(MonotonicTime {
                id: Uuid::nil(),
                micros,
            })
        },
    )
}

fn holder(at: &Arc<AtomicI64>) -> LeaseHolder {
    LeaseHolder::new(Owner::new(), &clock(at))
}

const ANN: Owner = Owner(1);
const BOB: Owner = Owner(2);

fn tenure(owner: Option<Owner>, fence: i64, until: i64) -> Tenure {
    Tenure {
        owner,
        fence: Fence(fence),
        until,
    }
}

#[test]
fn whose_a_thing_is_follows_one_rule() {
    let now = 1_000;
    for (what, before, by, after) in [
        ("nobody had it", Tenure::NEW, ANN, Some(tenure(Some(ANN), 1, 1_060))),
        (
            "it was given up",
            tenure(None, 4, 1_050),
            BOB,
            Some(tenure(Some(BOB), 5, 1_060)),
        ),
        (
            "its end has come",
            tenure(Some(ANN), 4, 1_000),
            BOB,
            Some(tenure(Some(BOB), 5, 1_060)),
        ),
        ("it is another's", tenure(Some(ANN), 4, 1_001), BOB, None),
        (
            "it is one's own",
            tenure(Some(BOB), 4, 1_001),
            BOB,
            Some(tenure(Some(BOB), 5, 1_060)),
        ),
    ] {
        assert_eq!(before.take(by, now, 60), after, "{what}");
    }
    let ours = tenure(Some(ANN), 4, 1_010);
    for (what, by, fence, is_ours) in [
        ("it is", ANN, 4, true),
        ("another has it", BOB, 4, false),
        ("an earlier taking", ANN, 3, false),
        ("a later one", ANN, 5, false),
    ] {
        let fence = Fence(fence);
        assert_eq!(ours.is_of(by, fence), is_ours, "{what}");
        assert_eq!(ours.renew(by, fence, now, 60).is_some(), is_ours, "{what}");
        assert_eq!(
            ours.give_up(by, fence),
            is_ours.then_some(tenure(None, 4, 1_010)),
            "{what}"
        );
    }
    assert_eq!(ours.renew(ANN, Fence(4), 971, 60), Some(tenure(Some(ANN), 4, 1_031)));
    assert_eq!(ours.renew(ANN, Fence(4), 970, 60), None, "there is enough left");
    assert!(
        ours.renew(ANN, Fence(4), 2_000, 60).is_some(),
        "late, but nobody took it"
    );
    assert_eq!((ours.at(1_009), ours.at(1_010)), (ours, tenure(None, 4, 1_010)));
}

#[derive(Debug, Clone)]
enum Act {
    Pass(i64),
    Take(i64),
    Renew(i64),
    GiveUp(i64),
    End,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (0..90_i64).prop_map(Act::Pass),
        (1..4_i64).prop_map(Act::Take),
        (1..4_i64).prop_map(Act::Renew),
        (1..4_i64).prop_map(Act::GiveUp),
        Just(Act::End),
    ]
}

proptest! {
    #[test]
    fn never_have_two_a_thing_and_no_write_of_an_old_taking_stands(acts in prop::collection::vec(act(), 1..60)) {
        let (mut row, mut now) = (Tenure::NEW, 0);
        // What each believes: the fence of his taking, and until when he has it.
        let mut believed: [Option<(Fence, i64)>; 4] = [None; 4];
        let mut highest = Fence::NONE;
        for act in acts {
            match act {
                Act::Pass(time) => now += time,
                Act::Take(who) => if let Some(taken) = row.take(Owner(who), now, 60) {
                    prop_assert!(taken.fence > highest, "each taking raises it");
                    highest = taken.fence;
                    row = taken;
                    believed[who as usize] = Some((taken.fence, taken.until));
                },
                Act::Renew(who) => if let Some((fence, until)) = believed[who as usize]
                    && let Some(renewed) = row.renew(Owner(who), fence, now, 60) {
                    prop_assert!(renewed.until >= until);
                    row = renewed;
                    believed[who as usize] = Some((fence, renewed.until));
                },
                Act::GiveUp(who) => if let Some((fence, _)) = believed[who as usize].take()
                    && let Some(given) = row.give_up(Owner(who), fence) {
                    row = given;
                },
                Act::End => row = row.at(now),
            }
            let sure = believed.iter().flatten().filter(|(_, until)| now < *until);
            prop_assert!(sure.count() <= 1, "two are sure of it");
            for (who, believed) in (0..).zip(&believed) {
                if let Some((fence, until)) = believed {
                    let is_his = row.is_of(Owner(who), *fence);
                    prop_assert!(is_his || now >= *until, "it was taken from him before its end");
                    prop_assert!(!is_his || *fence == highest, "an old taking may write");
                }
            }
        }
    }
}

#[test]
fn a_row_is_held_while_a_clone_of_its_last_lease_lives() {
    let jobs = holder(&Arc::default()).jobs;
    let first = jobs.hold(7, Fence(1));
    let again = jobs.hold(7, Fence(2));
    let clone = again.clone();
    drop((first, again));
    assert_eq!(jobs.rows(), [7], "the first had it no more");
    assert!(jobs.has(7));
    drop(clone);
    assert_eq!(jobs.rows(), [] as [i64; 0]);
}

#[test]
fn a_lease_holds_for_its_term_by_our_own_clock_and_as_long_again_once_its_renewal_is_durable() {
    let at = Arc::new(AtomicI64::new(500));
    let holder = holder(&at);
    let lease = holder.jobs.hold(7, Fence(3));
    assert_eq!(lease.fence(), Fence(3));
    let last = 500 + TERM - margin(TERM) - 1;
    at.store(last, Ordering::Relaxed);
    assert!(lease.holds());
    at.store(last + 1, Ordering::Relaxed);
    assert!(!lease.holds(), "its end is near");
    holder.jobs.renewed(&[(7, Fence(2)), (8, Fence(3))]);
    assert!(!lease.holds(), "that was another");
    holder.begins(clock(&at).read());
    // The transaction takes its time: what counts is when it began.
    at.fetch_add(TERM, Ordering::Relaxed);
    holder.jobs.renewed(&[(7, Fence(3))]);
    assert!(!lease.holds());
    at.store(last + 1, Ordering::Relaxed);
    assert!(lease.holds());
    assert!(Lease::default().holds() && Lease::default().fence() == Fence::NONE);
}

#[test]
fn whoever_lets_go_says_so_once() {
    let jobs = holder(&Arc::default()).jobs;
    let lease = jobs.hold(7, Fence(3));
    let (tell, told) = std::sync::mpsc::channel();
    lease.ends_by(move |fence| tell.send(fence).unwrap());
    let clone = lease.clone();
    drop(lease);
    assert!(told.try_recv().is_err());
    drop(clone);
    assert_eq!(told.iter().collect::<Vec<_>>(), [Fence(3)]);
}

#[test]
fn leases_are_looked_at_now_and_then_while_anything_is_claimed() {
    let holder = holder(&Arc::default());
    let now = 1_000_000_000;
    assert!(holder.is_due(now), "a first look");
    holder.looked(now, Claimed::Names);
    assert!(!holder.is_due(now + TERM), "nothing runs");
    holder.claims(now);
    assert!(!holder.is_due(now + LOOK - 1));
    assert!(holder.is_due(now + LOOK));
    holder.looked(now + LOOK, Claimed::Work);
    assert!(holder.is_due(now + 2 * LOOK) && !holder.is_due(now + LOOK + 1));
    assert!(holder.is_due(now), "the clock was set back");
    holder.looks_again();
    assert!(holder.is_due(now), "it failed");
    holder.looked(now, Claimed::Names);
    assert!(!holder.is_due(now + 199_000_000) && holder.is_due(now + 200_000_000));
    assert!(
        LOOK + margin(TERM) < TERM - low(TERM),
        "it is renewed long before its end"
    );
    assert!(LOOK + margin(SIGN_IN_TERM) < SIGN_IN_TERM - low(SIGN_IN_TERM));
}
