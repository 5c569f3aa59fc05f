//! What is counted of the ledger's writer.

use std::time::Duration;

use prometheus_client::{
    metrics::{counter::Counter, histogram::Histogram},
    registry::Registry,
};

/// A commit's time in seconds: an fsync, on a good disk and on a bad one.
const COMMIT: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// Counts commits. By default it counts for nobody.
#[derive(Debug, Clone, Default)]
pub struct Commits {
    duration: Option<Histogram>,
    failures: Counter,
    statements: Counter,
}

impl Commits {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let (duration, failures, statements) = (Histogram::new(COMMIT), Counter::default(), Counter::default());
        registry.register(
            "ledger_commit_duration_seconds",
            "How long commits of the ledger took, each of one or many writes",
            duration.clone(),
        );
        registry.register(
            "ledger_commit_failures",
            "Commits of the ledger that failed; what they were for is tried again",
            failures.clone(),
        );
        registry.register(
            "ledger_statements",
            "Statements that writes of the ledger ran in its commits",
            statements.clone(),
        );
        Self {
            duration: Some(duration),
            failures,
            statements,
        }
    }

    /// A commit went well.
    pub fn took(&self, duration: Duration) {
        if let Some(histogram) = &self.duration {
            histogram.observe(duration.as_secs_f64());
        }
    }

    /// A commit ran so many statements.
    pub fn ran(&self, statements: u64) {
        self.statements.inc_by(statements);
    }

    /// A commit failed.
    pub fn failed(&self) {
        self.failures.inc();
    }
}
