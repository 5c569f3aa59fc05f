//! The scenarios: each can run alone, and each starts from mailboxes of its own.

mod backlog;
mod big;
mod command;
mod idle;
mod latency;
mod memory;
mod peers;

use anyhow::Result;

pub use peers::{Peer, beside};

use crate::{report::Row, stage::Stage};

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// 2,000 mails of mixed sizes to a webhook.
    Mix,
    /// 2,000 small mails to a webhook.
    Small,
    /// From a push to the webhook's answer.
    Latency,
    /// A command for each of 2,000 small mails.
    Command,
    /// 1,000 mailboxes in which nothing happens.
    Idle,
    /// One mail of 40 MB.
    Big,
    /// Results, answers, quotes and servers that take much memory unless they wait.
    Memory,
}

impl Scenario {
    /// All, with their names.
    pub const ALL: [(&'static str, Self); 7] = [
        ("mix", Self::Mix),
        ("small", Self::Small),
        ("latency", Self::Latency),
        ("command", Self::Command),
        ("idle", Self::Idle),
        ("big", Self::Big),
        ("memory", Self::Memory),
    ];

    /// Runs it in so many rounds.
    ///
    /// # Errors
    /// When a program fails or a server can't be used; never because something is slow.
    pub async fn run(self, stage: &mut Stage, rounds: usize) -> Result<Vec<Row>> {
        match self {
            Self::Mix => backlog::mix(stage, rounds).await,
            Self::Small => backlog::small(stage, rounds).await,
            Self::Latency => latency::run(stage, rounds).await,
            Self::Command => command::run(stage, rounds).await,
            Self::Idle => idle::run(stage).await,
            Self::Big => big::run(stage, rounds).await,
            Self::Memory => memory::run(stage, rounds).await,
        }
    }
}
