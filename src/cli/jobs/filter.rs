//! Which jobs: the options of the commands.

use chrono::{DateTime, Utc};
use clap::Args;

use super::ago::instant;
use crate::{
    job::{JobId, state::State},
    ledger::JobFilter,
};

/// Which jobs; all that is said must hold.
#[derive(Debug, Clone, Args)]
pub(super) struct Filter {
    /// Of this endpoint.
    #[arg(long)]
    pub(super) endpoint: Option<String>,
    /// In one of these states: queued, running, deferred, waiting, done, failed, held, ignored.
    #[arg(long, value_parser = state, value_delimiter = ',')]
    pub(super) state: Vec<State>,
    /// The sender's address has this in it.
    #[arg(long, value_name = "TEXT")]
    pub(super) sender: Option<String>,
    /// The subject has this in it.
    #[arg(long, value_name = "TEXT")]
    pub(super) subject: Option<String>,
    /// Made then or later: 2026-11-25, 2026-11-25T09:30:00Z, or 90m, 36h, 7d ago.
    #[arg(long, value_name = "TIME", value_parser = then)]
    pub(super) since: Option<DateTime<Utc>>,
    /// Made before then.
    #[arg(long, value_name = "TIME", value_parser = then)]
    pub(super) until: Option<DateTime<Utc>>,
}

/// Which page of them.
#[derive(Debug, Args)]
pub(in crate::cli) struct Which {
    #[command(flatten)]
    pub(super) filter: Filter,
    /// So many at most.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    max: u16,
    /// Older than this one: the last of the page before.
    #[arg(long, value_name = "JOB")]
    before: Option<JobId>,
}

impl Filter {
    /// As the ledger takes it; the states where none are asked for.
    pub(super) fn over(self, usual: &[State]) -> JobFilter {
        JobFilter {
            endpoint: self.endpoint,
            states: if self.state.is_empty() {
                usual.to_vec()
            } else {
                self.state
            },
            sender: self.sender,
            subject: self.subject,
            since: self.since,
            until: self.until,
            ..JobFilter::default()
        }
    }
}

impl From<Which> for JobFilter {
    fn from(which: Which) -> Self {
        Self {
            limit: usize::from(which.max),
            before: which.before,
            ..which.filter.over(&[])
        }
    }
}

fn state(text: &str) -> Result<State, String> {
    State::named(text).ok_or_else(|| {
        let all: Vec<_> = State::ALL.iter().map(|state| state.as_str()).collect();
        format!("one of {}", all.join(", "))
    })
}

fn then(text: &str) -> Result<DateTime<Utc>, String> {
    instant(text, Utc::now())
}
