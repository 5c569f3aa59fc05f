//! How an SMTP account is doing, for whoever is asked, and what is counted of its submissions.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};

use crate::{
    auth::AuthVerdict,
    ledger::{ReplyState, Submitted},
    metrics::{self, Submission},
};

/// A cell that the outbox writes and others read.
#[derive(Debug, Default)]
pub struct OutboxHealth {
    trouble: Mutex<Option<OutboxProblem>>,
    /// Whether a server has said what becomes of a reply since we began.
    answered: AtomicBool,
    meter: metrics::OutboxMeter,
}

/// Why replies wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxProblem {
    /// In words.
    pub words: String,
    /// Since when: the first trouble after the last success.
    pub since: DateTime<Utc>,
    /// Whether a person has to act.
    pub needs_person: bool,
    /// Whether there is no session at all: no reply of the account goes out. Else it is about one of them.
    pub holds_all: bool,
}

impl OutboxHealth {
    /// One whose events are counted.
    #[must_use]
    pub fn counted(meter: metrics::OutboxMeter) -> Self {
        Self {
            trouble: Mutex::default(),
            answered: AtomicBool::default(),
            meter,
        }
    }

    /// What is wrong now.
    #[must_use]
    pub fn trouble(&self) -> Option<OutboxProblem> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether replies go out, as far as that was seen since we began.
    #[must_use]
    pub fn works(&self) -> bool {
        self.answered.load(Ordering::Relaxed) && self.trouble().is_none_or(|trouble| !trouble.holds_all)
    }

    /// A server said what becomes of a reply, after so long.
    pub(super) fn submitted(&self, what: &Submitted, took: Duration) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.answered.store(true, Ordering::Relaxed);
        self.meter.submitted(counted(what), took);
    }

    /// The server asks for something that only an operator can change, of a reply that waits for it.
    pub(super) fn asks(&self, words: String, now: DateTime<Utc>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(OutboxProblem {
            words,
            since: now,
            needs_person: true,
            holds_all: false,
        });
    }

    /// There was no session, or it broke, after so long.
    pub(super) fn failed(&self, words: String, verdict: AuthVerdict, took: Duration, now: DateTime<Utc>) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let since = trouble.as_ref().map_or(now, |trouble| trouble.since);
        *trouble = Some(OutboxProblem {
            words,
            since,
            needs_person: verdict == AuthVerdict::SlowDown,
            holds_all: true,
        });
        drop(trouble);
        self.meter.submitted(Submission::Trouble, took);
    }
}

fn counted(submitted: &Submitted) -> Submission {
    match submitted {
        Submitted::Sent(_) => Submission::Sent,
        Submitted::Refused(_) => Submission::Refused,
        Submitted::Later { .. } | Submitted::Lost { .. } => Submission::Later,
        Submitted::Each { recipients, .. } => {
            let any = |state| recipients.iter().any(|end| end.state == state);
            match () {
                () if any(ReplyState::Sent) => Submission::Sent,
                () if any(ReplyState::Queued) => Submission::Later,
                () => Submission::Refused,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_lasts_from_its_beginning_to_the_next_answer() {
        let health = OutboxHealth::default();
        assert!(!health.works(), "nobody knows yet");
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        health.failed("no route".into(), AuthVerdict::Reconnect, Duration::ZERO, at(1));
        health.failed("no sign-in".into(), AuthVerdict::SlowDown, Duration::ZERO, at(2));
        let trouble = health.trouble().unwrap();
        assert_eq!((trouble.since, trouble.needs_person), (at(1), true));
        assert_eq!(trouble.words, "no sign-in");
        assert!(trouble.holds_all && !health.works());
        health.submitted(&Submitted::Refused("550 no".into()), Duration::ZERO);
        assert!(health.trouble().is_none() && health.works());
        health.asks("another sender".into(), at(3));
        assert!(health.trouble().is_some() && health.works(), "it is about one reply");
    }
}
