//! Lists of jobs: which are wanted, page by page, and what each line of them says. Types only.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reply::ReplyState;
use crate::job::{JobId, state::State};

/// Which jobs are wanted; all that is said must hold. A page of the newest of them, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct JobFilter {
    /// Of this endpoint.
    pub endpoint: Option<String>,
    /// In one of these states; in any where none is named.
    pub states: Vec<State>,
    /// The sender's address has this in it; case does not count.
    pub sender: Option<String>,
    /// The subject has this in it; case does not count for ASCII letters.
    pub subject: Option<String>,
    /// Made then or later.
    pub since: Option<DateTime<Utc>>,
    /// Made before then.
    pub until: Option<DateTime<Utc>>,
    /// Older than this one: the end of the page before, [`JobPage::next`].
    pub before: Option<JobId>,
    /// So many at most, 1 to 1000. Default 100.
    #[schemars(range(min = 1, max = 1000))]
    pub limit: usize,
}

impl JobFilter {
    /// Jobs in a page, at most.
    pub const MOST: usize = 1_000;
    /// Jobs in a page where nobody says how many.
    pub const USUAL: usize = 100;

    /// The jobs of a page.
    #[must_use]
    pub fn page(&self) -> usize {
        self.limit.clamp(1, Self::MOST)
    }
}

impl Default for JobFilter {
    fn default() -> Self {
        Self {
            endpoint: None,
            states: Vec::new(),
            sender: None,
            subject: None,
            since: None,
            until: None,
            before: None,
            limit: Self::USUAL,
        }
    }
}

/// A job in a list. Its texts are a stranger's, or an action's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobRow {
    /// The job.
    pub id: JobId,
    /// Its endpoint.
    pub endpoint: String,
    /// Where it stands.
    pub state: State,
    /// The code of the latest attempt's reason, where there is one.
    pub reason: Option<String>,
    /// The latest attempt's detail.
    pub detail: Option<String>,
    /// When its mail was taken.
    pub taken: DateTime<Utc>,
    /// When it is tried next, while it is queued or deferred.
    pub due: Option<DateTime<Utc>>,
    /// Attempts begun.
    pub attempts: u32,
    /// How often an operator had it run anew.
    pub reruns: u32,
    /// The sender's address; nothing before the mail was read.
    pub sender: Option<String>,
    /// The subject; nothing before the mail was read.
    pub subject: Option<String>,
    /// Bytes of its mail.
    pub size: u64,
    /// The number of the part that it is of, from 1; nothing: of the mail as a whole.
    pub part: Option<u32>,
    /// Where its reply stands; nothing where it has none.
    pub reply: Option<ReplyState>,
    /// Why it has no reply, where that was decided, a code: `rate` and `loop` where `[rates]` held one back, `auto-submitted`, `off`, `nobody` …
    #[serde(default)]
    pub silent: Option<String>,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct JobPage {
    /// The jobs, newest first.
    pub jobs: Vec<JobRow>,
    /// What [`JobFilter::before`] is for the next page; nothing: this was the last.
    pub next: Option<JobId>,
}
