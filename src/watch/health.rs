//! How a mailbox is doing, for whoever is asked, and what is counted of it.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};

use super::error::Error;
use crate::{
    ledger::{NewMail, Settling, Taken, Verdict},
    metrics::{self, Ended},
    status::state::Need,
};

/// A cell that the watch loop writes and others read.
#[derive(Debug, Default)]
pub struct Health {
    state: Mutex<State>,
    meter: metrics::Mailbox,
}

/// How a mailbox is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Whether there is a session now, or it rests until the next look.
    pub connected: bool,
    /// When the mailbox was last looked at with success.
    pub looked: Option<DateTime<Utc>>,
    /// What is wrong, in words, since the last success.
    pub trouble: Option<String>,
    /// When that began: the first trouble after the last look with success.
    pub since: Option<DateTime<Utc>>,
    /// Who can end it.
    pub need: Option<Need>,
    /// When the next connection is tried.
    pub next: Option<DateTime<Utc>>,
    /// When a mail was last taken.
    pub took: Option<DateTime<Utc>>,
    /// Mails that the server told of and that are not taken yet.
    pub untaken: u64,
}

impl Health {
    /// One whose events are counted.
    #[must_use]
    pub fn counted(meter: metrics::Mailbox) -> Self {
        Self {
            state: Mutex::default(),
            meter,
        }
    }

    /// How it is now.
    #[must_use]
    pub fn state(&self) -> State {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// It was looked at with success; `more`: there are mails that will be taken at a later look.
    pub(crate) fn looked(&self, now: DateTime<Utc>, more: bool) {
        self.change(|state| {
            *state = State {
                connected: true,
                looked: Some(now),
                took: state.took,
                untaken: if more { state.untaken } else { 0 },
                ..State::default()
            };
        });
    }

    /// There was a session, but no look.
    pub(crate) fn reached(&self) {
        self.change(|state| {
            state.connected = true;
            (state.trouble, state.need, state.next) = (None, None, None);
        });
    }

    /// A session failed, or could not begin. The next one is tried after `wait`.
    pub(crate) fn lost(&self, error: &Error, wait: Duration, now: DateTime<Utc>) {
        self.meter.failed();
        self.change(|state| {
            state.since.get_or_insert(now);
            state.connected = false;
            state.trouble = Some(error.to_string());
            state.need = Some(error.need());
            state.next = TimeDelta::from_std(wait)
                .ok()
                .and_then(|wait| now.checked_add_signed(wait));
        });
    }

    /// The server told of so many mails that are not taken yet.
    pub(crate) fn announced(&self, mails: usize) {
        self.change(|state| state.untaken = mails as u64);
    }

    /// These mails, received at such times as the server says, were committed.
    pub(crate) fn took(&self, taken: Taken, received: &[DateTime<Utc>], now: DateTime<Utc>) {
        self.meter.took(taken.new, taken.known);
        for received in received {
            self.meter.took_after((now - *received).to_std().unwrap_or_default());
        }
        self.change(|state| {
            state.untaken = state.untaken.saturating_sub((taken.new + taken.known) as u64);
            if taken.new > 0 {
                state.took = Some(now);
            }
        });
    }

    /// Those of the mails that were due whose UIDs are these had their last touch.
    pub(crate) fn settled(&self, due: &[Settling], uids: &[u32]) {
        let uids: BTreeSet<_> = uids.iter().collect();
        for mail in due.iter().filter(|mail| uids.contains(&mail.place.uid)) {
            self.meter.settled(match mail.verdict {
                Verdict::Done => Ended::Done,
                Verdict::Failed => Ended::Failed,
                Verdict::Ignored => Ended::Ignored,
            });
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// When the server received these mails, where it said so.
pub(crate) fn received(mails: &[NewMail]) -> Vec<DateTime<Utc>> {
    mails.iter().filter_map(|mail| mail.received).collect()
}
