//! What waits until a person has mended something goes on as soon as that is seen: a file of the action is another, or the action did its work
//! again. What can't be seen (a right at the webhook's side) is found by the jobs' own waits.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::Dispatch;
use crate::{
    job::{Outcome, Reason},
    prints,
};

/// How often the files are looked at while jobs wait.
const LOOK: Duration = Duration::from_secs(2);
/// The first time between two calls by an action that works: of one webhook, one mail may be refused for good and the others not.
const FIRST: Duration = Duration::from_secs(30);
/// The longest.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Whether jobs of an endpoint wait until something is mended.
#[derive(Debug, Default)]
pub(super) struct Mending {
    known: Mutex<MendingState>,
    /// Some do.
    waits: Notify,
}

/// The rule, pure.
#[derive(Debug, Default)]
struct MendingState {
    /// Some wait, or did when they were last heard of.
    waits: bool,
    /// When those who wait were last called.
    called: Option<Instant>,
    /// How long after that an action that works calls nobody.
    gap: Duration,
}

/// What an attempt shows of its action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ActionHealth {
    /// Something is to be mended.
    Waits,
    /// It does its work.
    Works,
    Nothing,
}

fn shows(outcome: &Outcome) -> ActionHealth {
    match outcome {
        Outcome::Retry { reason, .. } if reason.fault().is_mended() => ActionHealth::Waits,
        Outcome::Done(_) => ActionHealth::Works,
        Outcome::Failed {
            reason: Reason::Exit(_) | Reason::Signal(_),
            ..
        } => ActionHealth::Works,
        _ => ActionHealth::Nothing,
    }
}

impl MendingState {
    /// An attempt ended so. Whether those who wait are called.
    fn ended(&mut self, shows: ActionHealth, now: Instant) -> bool {
        match shows {
            ActionHealth::Waits => self.waits = true,
            ActionHealth::Works if self.waits => {
                if self.called.is_some_and(|called| now < called + self.gap) {
                    return false;
                }
                self.called(now);
                return true;
            }
            ActionHealth::Works if self.called.is_some_and(|called| now >= called + self.gap) => {
                self.gap = Duration::ZERO
            }
            ActionHealth::Works | ActionHealth::Nothing => {}
        }
        false
    }

    /// Those who wait are called.
    fn called(&mut self, now: Instant) {
        self.waits = false;
        self.called = Some(now);
        self.gap = (self.gap * 2).clamp(FIRST, LONGEST);
    }
}

impl Mending {
    /// An attempt ended so. Whether those who wait are to be called.
    pub(super) fn ended(&self, outcome: &Outcome) -> bool {
        let shows = shows(outcome);
        let calls = self.known().ended(shows, Instant::now());
        if shows == ActionHealth::Waits {
            self.waits.notify_one();
        }
        calls
    }

    /// Whether those who wait were called after this attempt began: it may have met what is mended since.
    pub(super) fn is_outdated(&self, begun: Instant) -> bool {
        self.known().called.is_some_and(|called| called >= begun)
    }

    fn known(&self) -> MutexGuard<'_, MendingState> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has those go on that wait until something is mended. Where the ledger can't, they come by themselves.
pub(super) async fn call(dispatch: &Dispatch) {
    let name = &dispatch.endpoint.name;
    dispatch.health.mending.known().called(Instant::now());
    dispatch.health.webhook.hurry();
    match dispatch.ledger.mended(name).await {
        Ok(0) => {}
        Ok(jobs) => tracing::info!(endpoint = %name, jobs, "jobs that waited until something was mended are tried now"),
        Err(error) => tracing::warn!(endpoint = %name, %error, "jobs that wait could not be called; they come later"),
    }
}

/// Looks at the action's files while jobs wait. Never ends.
pub(super) async fn watch(dispatch: &Dispatch) {
    loop {
        if !dispatch.health.mending.known().waits {
            dispatch.health.mending.waits.notified().await;
            continue;
        }
        let endpoint = dispatch.endpoint.clone();
        prints::changed(move || endpoint.action.describe().mendable(), LOOK).await;
        call(dispatch).await;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::job::Answer;

    fn retry(reason: Reason) -> Outcome {
        Outcome::Retry {
            reason,
            detail: String::new(),
            not_before: None,
        }
    }

    #[test]
    fn what_an_attempt_shows() {
        let failed = |reason| Outcome::Failed {
            reason,
            detail: String::new(),
            tell: None,
        };
        for (outcome, expected) in [
            (retry(Reason::Status(401)), ActionHealth::Waits),
            (retry(Reason::Spawn), ActionHealth::Waits),
            (retry(Reason::Local), ActionHealth::Waits),
            (retry(Reason::Status(503)), ActionHealth::Nothing),
            (retry(Reason::Rate), ActionHealth::Nothing),
            (Outcome::Done(Answer::default()), ActionHealth::Works),
            (failed(Reason::Exit(2)), ActionHealth::Works),
            (failed(Reason::Spawn), ActionHealth::Nothing),
            (failed(Reason::Status(400)), ActionHealth::Nothing),
        ] {
            assert_eq!(shows(&outcome), expected, "{outcome:?}");
        }
    }

    #[test]
    fn one_that_works_calls_those_who_wait_and_seldom_where_that_is_in_vain() {
        let begin = Instant::now();
        let at = |seconds| begin + Duration::from_secs(seconds);
        let mut known = MendingState::default();
        let mut calls = Vec::new();
        // One mail gets a 404 each time, the others are done, one each second.
        for second in 0..1_000 {
            known.ended(ActionHealth::Waits, at(second));
            if known.ended(ActionHealth::Works, at(second)) {
                calls.push(second);
            }
        }
        assert_eq!(calls, [0, 30, 90, 210, 450, 930]);
        // A long time without anybody who waits begins anew.
        known.waits = false;
        assert!(!known.ended(ActionHealth::Works, at(10_000)));
        known.ended(ActionHealth::Waits, at(10_001));
        assert!(known.ended(ActionHealth::Works, at(10_002)));
    }

    proptest! {
        #[test]
        fn nobody_is_called_who_does_not_wait(steps in prop::collection::vec((0..100_u64, 0..3_u8), 0..200)) {
            let (mut known, mut now, mut waits) = (MendingState::default(), Instant::now(), false);
            for (passed, what) in steps {
                now += Duration::from_secs(passed);
                let shows = [ActionHealth::Waits, ActionHealth::Works, ActionHealth::Nothing][usize::from(what)];
                waits |= shows == ActionHealth::Waits;
                let calls = known.ended(shows, now);
                prop_assert!(!calls || (waits && shows == ActionHealth::Works));
                waits &= !calls;
                prop_assert!(known.gap <= LONGEST);
            }
        }
    }
}
