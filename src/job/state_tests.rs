use proptest::prelude::*;

use super::{AttemptEnd, Isolation, JobEvent, POISON, State, company, next};

const EVENTS: [JobEvent; 18] = [
    JobEvent::Claimed,
    JobEvent::Finished(AttemptEnd::Done),
    JobEvent::Finished(AttemptEnd::Retry),
    JobEvent::Finished(AttemptEnd::Failed),
    JobEvent::Finished(AttemptEnd::Ignored),
    JobEvent::Finished(AttemptEnd::Held),
    JobEvent::Finished(AttemptEnd::Split),
    JobEvent::Gathered,
    JobEvent::Released,
    JobEvent::Orphaned,
    JobEvent::Interrupted { times: 1 },
    JobEvent::Interrupted { times: POISON - 1 },
    JobEvent::Interrupted { times: POISON },
    JobEvent::Retried,
    JobEvent::Replayed,
    JobEvent::Reopened,
    JobEvent::Awaited,
    JobEvent::Discarded,
];

/// Those that happen without an operator.
const OURS: usize = 13;

#[test]
fn every_change_is_in_the_table() {
    use State::{Deferred, Done, Failed, Held, Ignored, Queued, Running, Waiting};
    let legal = [
        (Queued, JobEvent::Claimed, Running),
        (Deferred, JobEvent::Claimed, Running),
        (Running, JobEvent::Finished(AttemptEnd::Done), Done),
        (Running, JobEvent::Finished(AttemptEnd::Retry), Deferred),
        (Running, JobEvent::Finished(AttemptEnd::Failed), Failed),
        (Running, JobEvent::Finished(AttemptEnd::Ignored), Ignored),
        (Running, JobEvent::Finished(AttemptEnd::Held), Held),
        (Running, JobEvent::Finished(AttemptEnd::Split), Waiting),
        (Waiting, JobEvent::Gathered, Queued),
        (Running, JobEvent::Released, Queued),
        (Queued, JobEvent::Orphaned, Ignored),
        (Running, JobEvent::Interrupted { times: 1 }, Queued),
        (Running, JobEvent::Interrupted { times: POISON - 1 }, Queued),
        (Running, JobEvent::Interrupted { times: POISON }, Held),
        (Failed, JobEvent::Retried, Queued),
        (Held, JobEvent::Retried, Queued),
        (Deferred, JobEvent::Retried, Queued),
        (Done, JobEvent::Replayed, Queued),
        (Failed, JobEvent::Replayed, Queued),
        (Ignored, JobEvent::Replayed, Queued),
        (Held, JobEvent::Replayed, Queued),
        (Done, JobEvent::Reopened, Waiting),
        (Failed, JobEvent::Reopened, Waiting),
        (Ignored, JobEvent::Reopened, Waiting),
        (Held, JobEvent::Reopened, Waiting),
        (Done, JobEvent::Awaited, Held),
        (Failed, JobEvent::Awaited, Held),
        (Ignored, JobEvent::Awaited, Held),
        (Held, JobEvent::Awaited, Held),
        (Queued, JobEvent::Discarded, Failed),
        (Deferred, JobEvent::Discarded, Failed),
        (Held, JobEvent::Discarded, Failed),
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
    let illegal = next(State::Done, JobEvent::Claimed).unwrap_err();
    assert_eq!(illegal.to_string(), "Claimed cannot happen to a done job");
}

#[test]
fn a_suspect_runs_alone() {
    let table = [
        (0, Isolation::Any),
        (1, Isolation::AloneAtEndpoint),
        (POISON - 2, Isolation::AloneAtEndpoint),
        (POISON - 1, Isolation::LastOfItsKind),
        (u32::MAX, Isolation::LastOfItsKind),
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
