use proptest::prelude::*;

use super::{Company, End, Event, POISON, State, company, next};

const EVENTS: [Event; 18] = [
    Event::Claimed,
    Event::Finished(End::Done),
    Event::Finished(End::Retry),
    Event::Finished(End::Failed),
    Event::Finished(End::Ignored),
    Event::Finished(End::Held),
    Event::Finished(End::Split),
    Event::Gathered,
    Event::Released,
    Event::Orphaned,
    Event::Interrupted { times: 1 },
    Event::Interrupted { times: POISON - 1 },
    Event::Interrupted { times: POISON },
    Event::Retried,
    Event::Replayed,
    Event::Reopened,
    Event::Awaited,
    Event::Discarded,
];

/// Those that happen without an operator.
const OURS: usize = 13;

#[test]
fn every_change_is_in_the_table() {
    use State::{Deferred, Done, Failed, Held, Ignored, Queued, Running, Waiting};
    let legal = [
        (Queued, Event::Claimed, Running),
        (Deferred, Event::Claimed, Running),
        (Running, Event::Finished(End::Done), Done),
        (Running, Event::Finished(End::Retry), Deferred),
        (Running, Event::Finished(End::Failed), Failed),
        (Running, Event::Finished(End::Ignored), Ignored),
        (Running, Event::Finished(End::Held), Held),
        (Running, Event::Finished(End::Split), Waiting),
        (Waiting, Event::Gathered, Queued),
        (Running, Event::Released, Queued),
        (Queued, Event::Orphaned, Ignored),
        (Running, Event::Interrupted { times: 1 }, Queued),
        (Running, Event::Interrupted { times: POISON - 1 }, Queued),
        (Running, Event::Interrupted { times: POISON }, Held),
        (Failed, Event::Retried, Queued),
        (Held, Event::Retried, Queued),
        (Deferred, Event::Retried, Queued),
        (Done, Event::Replayed, Queued),
        (Failed, Event::Replayed, Queued),
        (Ignored, Event::Replayed, Queued),
        (Held, Event::Replayed, Queued),
        (Done, Event::Reopened, Waiting),
        (Failed, Event::Reopened, Waiting),
        (Ignored, Event::Reopened, Waiting),
        (Held, Event::Reopened, Waiting),
        (Done, Event::Awaited, Held),
        (Failed, Event::Awaited, Held),
        (Ignored, Event::Awaited, Held),
        (Held, Event::Awaited, Held),
        (Queued, Event::Discarded, Failed),
        (Deferred, Event::Discarded, Failed),
        (Held, Event::Discarded, Failed),
    ];
    for state in State::ALL {
        for event in EVENTS {
            let expected = legal
                .iter()
                .find(|(s, e, _)| (*s, *e) == (state, event))
                .map(|(.., to)| *to);
            assert_eq!(next(state, event).ok(), expected, "{state:?} {event:?}");
        }
    }
}

#[test]
fn names_are_told_apart() {
    for state in State::ALL {
        assert_eq!(State::named(state.as_str()), Some(state));
    }
    assert_eq!(State::named("lost"), None);
}

#[test]
fn an_illegal_change_says_what_it_was() {
    let illegal = next(State::Done, Event::Claimed).unwrap_err();
    assert_eq!(illegal.to_string(), "Claimed cannot happen to a done job");
}

#[test]
fn a_suspect_runs_alone() {
    let table = [
        (0, Company::Any),
        (1, Company::AloneAtEndpoint),
        (POISON - 2, Company::AloneAtEndpoint),
        (POISON - 1, Company::LastOfItsKind),
        (u32::MAX, Company::LastOfItsKind),
    ];
    for (interrupted, expected) in table {
        assert_eq!(company(interrupted), expected, "{interrupted}");
    }
}

proptest! {
    #[test]
    fn no_way_out_of_an_end_but_by_an_operator(events in prop::collection::vec(0..OURS, 0..40)) {
        let mut state = State::Queued;
        let mut last: Option<State> = None;
        for event in events {
            if let Ok(to) = next(state, EVENTS[event]) {
                prop_assert_eq!(last, None, "left {:?}", last);
                prop_assert_ne!(to, state);
                state = to;
            }
            if state.ended() || state == State::Held {
                last = Some(state);
            }
        }
    }
}
