//! How an endpoint's dispatch is doing, for whoever is asked, and what is counted of its jobs.

use tokio::time::Instant;

use super::{
    action::webhook::{breaker::WebhookDown, probing::Probing},
    mending::Mending,
};
use crate::{
    job::{Outcome, Reason},
    metrics,
};

/// A cell that the dispatch writes and others read.
#[derive(Debug, Default)]
pub struct DispatchHealth {
    meter: metrics::EndpointMeter,
    /// Whether the webhook is down.
    pub(super) webhook: Probing,
    /// Whether jobs wait until something is mended.
    pub(super) mending: Mending,
}

impl DispatchHealth {
    /// One whose events are counted.
    #[must_use]
    pub fn counted(meter: metrics::EndpointMeter) -> Self {
        Self {
            meter,
            webhook: Probing::default(),
            mending: Mending::default(),
        }
    }

    /// How the webhook is down, where it is.
    #[must_use]
    pub fn down(&self) -> Option<WebhookDown> {
        self.webhook.down()
    }

    /// Runs the action, and counts how long it took.
    pub(super) async fn acting<T>(&self, action: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let ended = action.await;
        self.meter.acted(begun.elapsed());
        ended
    }

    /// `[rates]` held a reply back.
    pub(super) fn held_back(&self) {
        self.meter.held_back();
    }

    /// The outcome of an attempt was committed.
    pub(super) fn committed(&self, counted: &OutcomeLabels) {
        self.meter.attempted(counted.outcome);
        if let Some(state) = counted.state {
            self.meter.ended(state, &counted.reason);
        }
    }
}

/// What is counted of an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OutcomeLabels {
    outcome: &'static str,
    /// The job's state, where it ended or is held.
    state: Option<&'static str>,
    reason: String,
}

impl From<&Outcome> for OutcomeLabels {
    fn from(outcome: &Outcome) -> Self {
        let ended = |outcome: &'static str, reason: &Reason| Self {
            outcome,
            state: Some(outcome),
            reason: reason.code(),
        };
        let other = |outcome, state| Self {
            outcome,
            state,
            reason: "none".to_owned(),
        };
        match outcome {
            Outcome::Done(answer) => match &answer.flaw {
                Some(flaw) => ended("done", &flaw.reason),
                None => other("done", Some("done")),
            },
            Outcome::Retry { .. } => other("retry", None),
            Outcome::Split(_) => other("split", None),
            Outcome::Failed { reason, .. } => ended("failed", reason),
            Outcome::Ignored { reason, .. } => ended("ignored", reason),
            Outcome::Held { reason, .. } => ended("held", reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Answer;

    #[test]
    fn ends_are_counted_with_their_reasons_and_retries_as_attempts_only() {
        let counted = |outcome: &Outcome| {
            let OutcomeLabels { outcome, state, reason } = outcome.into();
            (outcome, state, reason)
        };
        assert_eq!(
            counted(&Outcome::Done(Answer::default())),
            ("done", Some("done"), "none".into())
        );
        let flawed = Outcome::Done(Answer::unusable("it is no JSON"));
        assert_eq!(counted(&flawed), ("done", Some("done"), "bad-answer".into()));
        let failed = Outcome::Failed {
            reason: Reason::Status(503),
            detail: String::new(),
            tell: None,
        };
        assert_eq!(counted(&failed), ("failed", Some("failed"), "status-503".into()));
        let retry = Outcome::Retry {
            reason: Reason::Timeout,
            detail: String::new(),
            not_before: None,
        };
        assert_eq!(counted(&retry), ("retry", None, "none".into()));
    }
}
