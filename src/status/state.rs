//! The states of an endpoint, by name. Pure.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The state of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "EndpointState")]
pub enum EndpointHealth {
    /// Its mailbox is looked at and its jobs run.
    Working,
    /// It began and has not looked yet.
    Starting,
    /// Its mailbox can't be reached, or its webhook is down; that is tried again.
    Waiting,
    /// Its mailbox wants another sign-in.
    NeedsSignIn,
    /// Its ledger seems to be lost, or mails that were left can't be told from new ones: somebody has to say what becomes of them.
    HeldBacklog,
    /// Its mails are taken, and its jobs wait.
    Paused,
    /// Its file says that it does not run.
    Disabled,
    /// New mails don't come to it: another endpoint stands before it whose file can't be used, and they may be meant for that one.
    HeldBack,
    /// Its file can't be used, and there is no good version that could go on.
    Broken,
    /// It has no file any more, and jobs that have not ended.
    Gone,
    /// Nobody knows: no process answers.
    Unknown,
}

impl EndpointHealth {
    /// Each of them.
    pub const ALL: [Self; 11] = [
        Self::Working,
        Self::Starting,
        Self::Waiting,
        Self::NeedsSignIn,
        Self::HeldBacklog,
        Self::Paused,
        Self::Disabled,
        Self::HeldBack,
        Self::Broken,
        Self::Gone,
        Self::Unknown,
    ];

    /// Its code in JSON and in metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Starting => "starting",
            Self::Waiting => "waiting",
            Self::NeedsSignIn => "needs_sign_in",
            Self::HeldBacklog => "held_backlog",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
            Self::HeldBack => "held_back",
            Self::Broken => "broken",
            Self::Gone => "gone",
            Self::Unknown => "unknown",
        }
    }

    /// Its name for people.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::NeedsSignIn => "needs sign-in".to_owned(),
            state => state.code().replace('_', " "),
        }
    }
}

/// Who paused an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PausedBy {
    /// An operator; only an operator resumes it.
    Operator,
    /// Its webhook, which said that it is no more (410). A changed `[webhook]` resumes it too.
    Gone,
}

impl PausedBy {
    /// Its name in the ledger.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Gone => "gone",
        }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Operator, Self::Gone].into_iter().find(|by| by.as_str() == name)
    }
}

/// The time as people read it.
#[must_use]
pub fn time(at: DateTime<Utc>) -> String {
    at.format("%F %T UTC").to_string()
}
