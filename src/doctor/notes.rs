//! The findings about one subject after the other, as they are made.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::{Finding, Issue, Stage, StepOutcome, Subject};

/// The longest that a step may take.
pub(super) const LONGEST: Duration = Duration::from_secs(30);

/// Findings, and what they are about now.
pub(super) struct Notes {
    subject: Subject,
    findings: Vec<Finding>,
}

impl Notes {
    pub(super) fn about(subject: Subject) -> Self {
        Self {
            subject,
            findings: Vec::new(),
        }
    }

    /// Goes on with a part of the subject.
    pub(super) fn part(&mut self, part: String) {
        self.subject.part = Some(part);
    }

    /// Takes a step, within its time. What it found, unless it failed.
    pub(super) async fn step<T>(
        &mut self,
        stage: Stage,
        longest: Duration,
        work: impl Future<Output = Result<(T, String), Issue>>,
    ) -> Option<T> {
        let begun = Instant::now();
        let done = timeout(longest, work).await.unwrap_or_else(|_| {
            Err(Issue {
                what: format!("no end within {} s", longest.as_secs()),
                cure: "try again; if it stays, look for a firewall or proxy in between".to_owned(),
            })
        });
        let (found, outcome) = match done {
            Ok((found, detail)) => (Some(found), StepOutcome::Passed(detail)),
            Err(trouble) => (None, StepOutcome::Failed(trouble)),
        };
        self.push(stage, outcome, begun.elapsed());
        found
    }

    pub(super) fn note(&mut self, stage: Stage, outcome: StepOutcome) {
        self.push(stage, outcome, Duration::ZERO);
    }

    pub(super) fn skip(&mut self, stages: &[Stage], why: &str) {
        for &stage in stages {
            self.note(stage, StepOutcome::Skipped(why.to_owned()));
        }
    }

    pub(super) fn end(self) -> Vec<Finding> {
        self.findings
    }

    fn push(&mut self, stage: Stage, outcome: StepOutcome, took: Duration) {
        let subject = self.subject.clone();
        self.findings.push(Finding {
            subject,
            stage,
            outcome,
            took,
        });
    }
}
