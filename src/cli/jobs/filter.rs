//! Which jobs: the options of the commands.

use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::Args;

use super::{
    super::desk::{SharedJobs, named},
    ago::instant,
};
use crate::{job::state::State, ledger::JobFilter};

/// Which jobs; all that is said must hold.
#[derive(Debug, Clone, Args)]
pub(super) struct FilterArgs {
    /// Only jobs of this endpoint.
    #[arg(long)]
    pub(super) endpoint: Option<String>,
    /// Only jobs in this state, or these, with commas between: queued, running, deferred, waiting, done, failed, held, ignored.
    #[arg(long, value_parser = state, value_delimiter = ',')]
    pub(super) state: Vec<State>,
    /// Only jobs whose sender's address contains this.
    #[arg(long, value_name = "TEXT")]
    pub(super) sender: Option<String>,
    /// Only jobs whose subject contains this.
    #[arg(long, value_name = "TEXT")]
    pub(super) subject: Option<String>,
    /// Only jobs created since: 2026-11-25, 2026-11-25T09:30:00Z, or 90m, 36h, 7d ago.
    #[arg(long, value_name = "TIME", value_parser = then)]
    pub(super) since: Option<DateTime<Utc>>,
    /// Only jobs created before.
    #[arg(long, value_name = "TIME", value_parser = then)]
    pub(super) until: Option<DateTime<Utc>>,
}

/// Which page of them.
#[derive(Debug, Args)]
pub(in crate::cli) struct JobPageArgs {
    #[command(flatten)]
    pub(super) filter: FilterArgs,
    /// At most this many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    max: u16,
    /// Only jobs older than this one: the last of the page before.
    #[arg(long, value_name = "JOB")]
    before: Option<String>,
}

impl FilterArgs {
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

impl JobPageArgs {
    /// Whether no state is asked for.
    pub(super) fn is_of_any_state(&self) -> bool {
        self.filter.state.is_empty()
    }

    /// As the ledger takes it, without ignored jobs where those are hidden.
    pub(in crate::cli) async fn filter(self, desk: &SharedJobs, hides_ignored: bool) -> Result<JobFilter, ExitCode> {
        let before = match &self.before {
            Some(part) => Some(named(desk, part).await?),
            None => None,
        };
        let shown: Vec<_> = State::ALL
            .into_iter()
            .filter(|state| *state != State::Ignored)
            .collect();
        Ok(JobFilter {
            limit: usize::from(self.max),
            before,
            ..self.filter.over(if hides_ignored { &shown } else { &[] })
        })
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
