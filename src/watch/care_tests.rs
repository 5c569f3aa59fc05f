use proptest::prelude::*;

use super::*;
use crate::{ledger, watch::error::Violation};

const SECOND: Duration = Duration::from_secs(1);

fn cursor(uid_next: u32) -> Cursor {
    Cursor {
        uid_validity: 7,
        uid_next,
    }
}

fn listed(uids: &[u32]) -> Vec<ListedUid> {
    let mail = |uid: &u32| ListedUid { uid: *uid, size: None };
    uids.iter().map(mail).collect()
}

fn no() -> Words {
    Words::new("no")
}

#[test]
fn a_mail_that_is_refused_is_left_alone_for_a_while_and_given_up() {
    let (mut care, mut now) = (FetchFailures::default(), Instant::now());
    care.begins(cursor(5));
    for (time, rest) in [(0, 10), (1, 30), (2, 30)] {
        assert!(care.gives_up(6, now).is_none(), "{time}");
        assert!(care.refused(6, &no(), MailMetadata::default(), now));
        assert_eq!(care.cursor(9), 6, "{time}");
        assert!(care.due(now + (rest - 1) * SECOND).is_empty(), "{time}");
        now += rest * SECOND;
        assert_eq!((care.due(now), care.again()), (vec![6], Some(now)));
        assert_eq!(care.kept_back(), Some((1, "no")));
    }
    assert_eq!(care.gives_up(6, now), Some(("no".to_owned(), MailMetadata::default())));
    care.over(6);
    assert_eq!((care.cursor(9), care.again(), care.kept_back()), (9, None, None));
}

/// A server that gives nothing at all may be in trouble.
#[test]
fn many_mails_that_are_refused_are_not_given_up_at_once() {
    let (mut care, now) = (FetchFailures::default(), Instant::now());
    for _ in 0..3 {
        for uid in 5..9 {
            care.refused(uid, &no(), MailMetadata::default(), now);
        }
    }
    assert!(care.gives_up(5, now).is_none());
    assert!(care.gives_up(5, now + TROUBLE).is_some());
    care.over(9);
    assert!(care.gives_up(5, now).is_none(), "one that is gone shows nothing");
    care.came(9, now + SECOND);
    assert!(care.gives_up(5, now + SECOND).is_some(), "it gives others");
}

#[test]
fn a_server_that_refuses_one_after_the_other_is_left_alone() {
    let (mut care, now) = (FetchFailures::default(), Instant::now());
    let goes_on = (1..=3 * IN_A_ROW)
        .filter(|uid| care.refused(*uid, &no(), MailMetadata::default(), now))
        .count();
    assert_eq!(goes_on as u32, 3 * (IN_A_ROW - 1));
}

#[test]
fn the_ledgers_trouble_and_what_was_not_asked_for_is_no_mails_fault() {
    let (mut care, now) = (FetchFailures::default(), Instant::now());
    care.asks([5]);
    care.failed(&WatchError::Ledger(ledger::Error::Full("disk".into())), now);
    assert!(care.take_failed(), "last touches come first then: they make room");
    care.failed(&WatchError::Closed, now);
    assert!(care.troubles.is_empty() && care.take_failed() && !care.take_failed());
}

/// What is not committed is asked for again, whatever else is known.
#[test]
fn what_came_and_is_not_in_the_ledger_did_not_come() {
    let now = Instant::now();
    for committed in [true, false] {
        let mut care = FetchFailures::default();
        care.begins(cursor(5));
        care.refused(5, &no(), MailMetadata::default(), now);
        care.came(6, now);
        care.looked(None, committed);
        let mut mails = listed(&[5, 6, 7]);
        care.sort(5, u32::MAX, &mut mails, now);
        assert_eq!(mails, listed(if committed { &[7] } else { &[6, 7] }));
        // Where UIDs begin anew, they are those of other mails.
        care.begins(cursor(1));
        let mut mails = listed(&[6]);
        care.sort(6, 6, &mut mails, now);
        assert_eq!(mails, listed(&[6]));
    }
}

/// What a server does when a mail is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Gives,
    Refuses,
    Breaks,
    /// It can't be read.
    Garbles,
}

/// A look, as the session does it. What it came to: what was committed, and whether the session broke.
fn look(care: &mut FetchFailures, cursor: &mut Cursor, mails: &[Does], now: Instant, asked: &mut [u32]) -> Vec<u32> {
    care.begins(*cursor);
    let error = |does| match does {
        Does::Garbles => WatchError::Protocol(Violation::Grammar),
        _ => WatchError::Closed,
    };
    let mut taken = Vec::new();
    let done = (|care: &mut FetchFailures| {
        let does = |uid: u32| mails[uid as usize - 1];
        let all: Vec<u32> = (cursor.uid_next..=mails.len() as u32).collect();
        let is_news = !care.lists();
        let mut together = listed(&all);
        if is_news {
            care.asks_news();
        } else {
            care.sort(cursor.uid_next, u32::MAX, &mut together, now);
            care.asks(together.iter().map(|mail| mail.uid));
        }
        for mail in &together {
            asked[mail.uid as usize - 1] += 1;
            match does(mail.uid) {
                Does::Gives => {
                    care.came(mail.uid, now);
                    taken.push(mail.uid);
                }
                Does::Refuses => drop(care.refused(mail.uid, &no(), MailMetadata::default(), now)),
                does => return Err(error(does)),
            }
            // What was refused was asked for by itself.
            if !is_news {
                care.asks(together.iter().map(|other| other.uid).filter(|uid| *uid > mail.uid));
            }
        }
        care.asks([]);
        for uid in care.due(now) {
            if care.gives_up(uid, now).is_some() {
                care.over(uid);
                taken.push(uid);
                continue;
            }
            care.asks([uid]);
            asked[uid as usize - 1] += 1;
            match does(uid) {
                Does::Gives => {
                    care.came(uid, now);
                    taken.push(uid);
                }
                Does::Refuses => drop(care.refused(uid, &no(), MailMetadata::default(), now)),
                does => return Err(error(does)),
            }
        }
        Ok(care.cursor(mails.len() as u32 + 1))
    })(care);
    cursor.uid_next = *done.as_ref().unwrap_or(&cursor.uid_next);
    care.looked(done.is_ok().then_some(*cursor), true);
    if let Err(error) = done {
        care.failed(&error, now);
    }
    taken
}

proptest! {
    /// Whatever a server does with some mails: all others are taken within some sessions, each mail in the end, and none that was taken
    /// is asked for again.
    #[test]
    fn mails_that_make_trouble_hold_up_no_others(
        mails in prop::collection::vec(
            prop_oneof![6 => Just(Does::Gives), 1 => Just(Does::Refuses), 1 => Just(Does::Breaks), 1 => Just(Does::Garbles)],
            1..30,
        ),
    ) {
        let (mut care, mut at, mut now) = (FetchFailures::default(), cursor(1), Instant::now());
        let (mut taken, mut asked) = (BTreeSet::new(), vec![0; mails.len()]);
        let good: BTreeSet<u32> = (1..).zip(&mails).filter(|(_, does)| **does == Does::Gives).map(|(uid, _)| uid).collect();
        let bad = mails.len() - good.len();
        for n in 0..30 * (bad + 1) {
            for uid in look(&mut care, &mut at, &mails, now, &mut asked) {
                prop_assert!(taken.insert(uid), "{uid} twice");
            }
            prop_assert!((1..at.uid_next).all(|uid| taken.contains(&uid)), "{at:?} {taken:?}");
            // Each session that breaks in the midst of others finds at least one that does so.
            if n > 2 + bad {
                prop_assert!(taken.is_superset(&good), "{n}: {taken:?}");
            }
            now += 5 * SECOND;
        }
        prop_assert_eq!(at.uid_next, mails.len() as u32 + 1);
        for uid in &good {
            prop_assert!(asked[*uid as usize - 1] as usize <= 2 + bad);
        }
    }
}
