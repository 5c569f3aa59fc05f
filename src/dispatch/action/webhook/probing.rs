//! A request's way past the [`Breaker`]: it waits for what another one is about to learn, and tells what it learned itself.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::breaker::{Breaker, BreakerVerdict, LONGEST, WebhookDown, failure};
use crate::{
    config::Retry,
    job::{Outcome, Reason},
    ledger::ClaimedJob,
};

/// An endpoint's webhook, and whether it is down.
#[derive(Debug, Default)]
pub(in crate::dispatch) struct Probing {
    breaker: Mutex<Breaker>,
    changed: Notify,
}

/// A request that may be sent. Dropped without an end, it has taught nothing.
#[derive(Debug)]
pub(in crate::dispatch) struct ProbeGuard<'a> {
    probing: &'a Probing,
    ended: bool,
}

impl Probing {
    /// How it is down, where it is.
    pub(in crate::dispatch) fn down(&self) -> Option<WebhookDown> {
        self.breaker().down().cloned()
    }

    /// Waits while somebody asks a webhook that is down; then this request may be sent, or its job waits.
    ///
    /// # Errors
    /// What the attempt comes to where nothing is sent.
    pub(in crate::dispatch) async fn ask(&self, job: &ClaimedJob, retry: &Retry) -> Result<ProbeGuard<'_>, Outcome> {
        loop {
            let changed = self.changed.notified();
            let (admission, down) = {
                let mut breaker = self.breaker();
                (breaker.admit(Instant::now()), breaker.down().cloned())
            };
            match (admission, down) {
                (BreakerVerdict::Wait, _) => changed.await,
                (BreakerVerdict::NotBefore(_, so_long), Some(down)) => return Err(put_off(job, retry, &down, so_long)),
                (BreakerVerdict::Ask | BreakerVerdict::NotBefore(..), _) => {
                    return Ok(ProbeGuard {
                        probing: self,
                        ended: false,
                    });
                }
            }
        }
    }

    /// Waits until jobs are worth being claimed: while it is down, until it is asked next. Not where it has been down for as long as jobs may
    /// wait: they have to end.
    pub(in crate::dispatch) async fn claims(&self, retry: &Retry) {
        loop {
            let changed = self.changed.notified();
            let Some((until, so_long)) = self.breaker().rest() else {
                return;
            };
            if so_long >= schedule(retry) || until <= Instant::now() {
                return;
            }
            tokio::select! {
                () = changed => {}
                () = sleep_until(until) => return,
            }
        }
    }

    /// Somebody may have mended it: it may be asked now.
    pub(in crate::dispatch) fn hurry(&self) {
        self.breaker().hurry(now());
        self.changed.notify_waiters();
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProbeGuard<'_> {
    /// The request has ended with this. Says that it is down since now, or up again.
    pub(in crate::dispatch) fn ended(mut self, outcome: &Outcome) -> Option<BreakerChange> {
        self.ended = true;
        let mut breaker = self.probing.breaker();
        let was = breaker.down().cloned();
        breaker.answered(failure(outcome), fastrand::f64(), now());
        let is = breaker.down().cloned();
        drop(breaker);
        self.probing.changed.notify_waiters();
        match (was, is) {
            (None, Some(down)) => Some(BreakerChange::Down(down)),
            (Some(down), None) => Some(BreakerChange::Up(down.since)),
            (None, None) | (Some(_), Some(_)) => None,
        }
    }
}

impl Drop for ProbeGuard<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.probing.breaker().gave_up();
            self.probing.changed.notify_waiters();
        }
    }
}

/// What changed.
#[derive(Debug)]
pub(in crate::dispatch) enum BreakerChange {
    /// It is down from now on.
    Down(WebhookDown),
    /// It is up again that was down since then.
    Up(DateTime<Utc>),
}

fn now() -> (Instant, DateTime<Utc>) {
    (Instant::now(), Utc::now())
}

/// How long a job is tried.
fn schedule(retry: &Retry) -> Duration {
    retry
        .waits
        .iter()
        .fold(Duration::ZERO, |all, wait| all.saturating_add(*wait))
}

/// Whether a webhook is spared that is down: not where jobs are tried for a moment only, or once. They are tried as their file says.
pub(in crate::dispatch) fn spares(retry: &Retry) -> bool {
    schedule(retry) >= LONGEST * 2
}

/// A job whose webhook is down waits and counts no attempt; where both have lasted for as long as its waits together, it has failed. One that
/// an operator had run anew waits.
fn put_off(job: &ClaimedJob, retry: &Retry, down: &WebhookDown, so_long: Duration) -> Outcome {
    let schedule = schedule(retry);
    let waited = (Utc::now() - job.taken).to_std().unwrap_or_default();
    let since = down.since.format("%F %T UTC");
    if down.refuses() {
        // As the one that it refused: however long, until the operator has acted.
        return Outcome::Retry {
            reason: down.reason,
            detail: down.said.clone(),
            not_before: Some(down.next),
        };
    }
    if so_long >= schedule && waited >= schedule && job.rerun == 0 {
        return Outcome::Failed {
            reason: Reason::Exhausted,
            detail: format!(
                "the webhook is down since {since}, for as long as [retry] waits: {}",
                down.said
            ),
            tell: None,
        };
    }
    Outcome::Retry {
        reason: down.reason,
        detail: format!("the webhook is down since {since}: {}", down.said),
        not_before: Some(down.next),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::dispatch::tests::job;

    #[test]
    fn a_job_waits_as_long_as_its_waits_together_and_counts_no_attempt() {
        let retry = Retry {
            waits: [60, 540].map(Duration::from_secs).to_vec(),
        };
        let down = WebhookDown {
            since: DateTime::UNIX_EPOCH,
            said: "refused".into(),
            next: Utc::now(),
            reason: Reason::Down,
        };
        for (minutes, so_long, rerun, fails) in [
            (0, 3_600, 0, false),
            (9, 3_600, 0, false),
            (11, 599, 0, false),
            (11, 600, 0, true),
            (11, 600, 1, false),
        ] {
            let job = ClaimedJob {
                taken: Utc::now() - TimeDelta::minutes(minutes),
                rerun,
                ..job()
            };
            let outcome = put_off(&job, &retry, &down, Duration::from_secs(so_long));
            match (fails, &outcome) {
                (true, Outcome::Failed { reason, .. }) => assert_eq!(*reason, Reason::Exhausted),
                (false, Outcome::Retry { reason, not_before, .. }) => {
                    assert!(!reason.is_attempt());
                    assert_eq!(*not_before, Some(down.next));
                }
                _ => panic!("{minutes} {so_long} {rerun}: {outcome:?}"),
            }
        }
    }

    #[test]
    fn a_job_that_waits_for_the_operator_never_fails_and_says_why() {
        let down = WebhookDown {
            since: DateTime::UNIX_EPOCH,
            said: "the webhook answered 401".into(),
            next: Utc::now(),
            reason: Reason::Status(401),
        };
        let job = ClaimedJob {
            taken: DateTime::UNIX_EPOCH,
            ..job()
        };
        let retry = Retry {
            waits: vec![Duration::from_secs(600)],
        };
        let expected = Outcome::Retry {
            reason: Reason::Status(401),
            detail: down.said.clone(),
            not_before: Some(down.next),
        };
        assert_eq!(put_off(&job, &retry, &down, Duration::MAX), expected);
    }

    #[test]
    fn who_tries_for_a_moment_only_is_not_held_up() {
        let retry = |waits: &[u64]| Retry {
            waits: waits.iter().map(|wait| Duration::from_secs(*wait)).collect(),
        };
        assert!(spares(&Retry::default()));
        for waits in [&[][..], &[1, 1], &[119]] {
            assert!(!spares(&retry(waits)), "{waits:?}");
        }
    }
}
