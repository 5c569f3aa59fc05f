//! What is counted of an endpoint's jobs.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};

use super::{Histograms, histograms};

/// An action's time in seconds: from a webhook next door to a conversion of a quarter of an hour.
const ACTION: [f64; 13] = [
    0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Attempted {
    endpoint: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobEnded {
    endpoint: String,
    state: &'static str,
    reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ActionLabels {
    endpoint: String,
    action: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndpointLabel {
    endpoint: String,
}

/// The counters of all endpoints.
#[derive(Debug, Clone)]
pub(super) struct EndpointMeters {
    attempts: Family<Attempted, Counter>,
    ended: Family<JobEnded, Counter>,
    action: Histograms<ActionLabels>,
    held_back: Family<EndpointLabel, Counter>,
}

impl EndpointMeters {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let all = Self {
            attempts: Family::default(),
            ended: Family::default(),
            action: histograms(|| Histogram::new(ACTION)),
            held_back: Family::default(),
        };
        registry.register(
            "attempts",
            "Attempts at jobs that ended, by what they came to",
            all.attempts.clone(),
        );
        registry.register(
            "jobs_ended",
            "Jobs that ended or are held, by the reason's code",
            all.ended.clone(),
        );
        registry.register(
            "action_duration_seconds",
            "How long webhooks and commands took",
            all.action.clone(),
        );
        registry.register(
            "replies_held_back",
            "Replies that [rates] held back: none goes",
            all.held_back.clone(),
        );
        all
    }

    pub(super) fn endpoint(&self, endpoint: &str, action: &'static str) -> EndpointMeter {
        for outcome in ["done", "retry", "failed", "held", "ignored", "split"] {
            let endpoint = endpoint.to_owned();
            drop(self.attempts.get_or_create_owned(&Attempted { endpoint, outcome }));
        }
        let endpoint = endpoint.to_owned();
        let labels = ActionLabels {
            endpoint: endpoint.clone(),
            action,
        };
        EndpointMeter(Some(EndpointCounters {
            attempts: self.attempts.clone(),
            ended: self.ended.clone(),
            action: self.action.get_or_create_owned(&labels),
            held_back: self.held_back.get_or_create_owned(&EndpointLabel {
                endpoint: endpoint.clone(),
            }),
            endpoint,
        }))
    }
}

/// Counts what happens to one endpoint's jobs. By default it counts for nobody.
#[derive(Debug, Clone, Default)]
pub struct EndpointMeter(Option<EndpointCounters>);

#[derive(Debug, Clone)]
struct EndpointCounters {
    endpoint: String,
    attempts: Family<Attempted, Counter>,
    ended: Family<JobEnded, Counter>,
    action: Histogram,
    held_back: Counter,
}

impl EndpointMeter {
    /// An attempt's outcome was committed.
    pub fn attempted(&self, outcome: &'static str) {
        let Some(EndpointCounters { endpoint, attempts, .. }) = &self.0 else {
            return;
        };
        let endpoint = endpoint.clone();
        attempts.get_or_create_owned(&Attempted { endpoint, outcome }).inc();
    }

    /// A reply was held back.
    pub fn held_back(&self) {
        if let Some(EndpointCounters { held_back, .. }) = &self.0 {
            held_back.inc();
        }
    }

    /// With it a job ended, or is held. `reason`: a code of an enumeration.
    pub fn ended(&self, state: &'static str, reason: &str) {
        let Some(EndpointCounters { endpoint, ended, .. }) = &self.0 else {
            return;
        };
        let (endpoint, reason) = (endpoint.clone(), reason.to_owned());
        ended
            .get_or_create_owned(&JobEnded {
                endpoint,
                state,
                reason,
            })
            .inc();
    }

    /// An action ran for so long.
    pub fn acted(&self, took: Duration) {
        if let Some(counted) = &self.0 {
            counted.action.observe(took.as_secs_f64());
        }
    }
}
