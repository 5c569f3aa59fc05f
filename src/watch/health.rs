//! How a mailbox is doing, for whoever is asked, and what is counted of it.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    error::{self, WatchError, Words},
    rival::Installation,
};
use crate::{
    ledger::{IntakeResult, MailOutcome, NewMail, Settling},
    metrics::{self, SettledOutcome},
    status::verdict::MailboxRemedy,
};

/// Probes that are kept until somebody looks at them.
const PROBES: usize = 64;

/// A cell that the watch loop writes and others read.
#[derive(Debug, Default)]
pub struct WatchHealth {
    state: Mutex<WatchState>,
    /// Probes that were found in the mailbox and not looked at yet: whose, UIDVALIDITY and UID.
    probes: Mutex<Vec<(Installation, (u32, u32))>>,
    meter: metrics::MailboxMeter,
}

/// How a mailbox is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WatchState {
    /// Whether there is a session now, or it rests until the next look.
    pub connected: bool,
    /// When the mailbox was last looked at with success.
    pub looked: Option<DateTime<Utc>>,
    /// What is wrong, in words, since the last success.
    pub trouble: Option<String>,
    /// When that began: the first trouble after the last look with success.
    pub since: Option<DateTime<Utc>>,
    /// Who can end it.
    pub need: Option<MailboxRemedy>,
    /// When the next connection is tried.
    pub next: Option<DateTime<Utc>>,
    /// When a mail was last taken.
    pub took: Option<DateTime<Utc>>,
    /// Mails that the server told of and that are not taken yet.
    pub untaken: u64,
    /// Mails that lay there before it was watched and are left.
    pub left: u64,
    /// Since when it is known that another Mailjob works here with a ledger of its own.
    pub rival: Option<DateTime<Utc>>,
    /// Mails that are over and whose last touch the server refuses.
    pub unsettled: Option<Unsettled>,
    /// Mails that the server does not give; they are tried again.
    pub kept_back: Option<KeptBack>,
    /// Which server a connection is tried to, and since when.
    pub connecting: Option<(String, DateTime<Utc>)>,
    /// How often the server gave the id of a mail to another one (POP3).
    pub ids_again: u64,
    /// What the server said that can't be read and was passed over: how many lines, and the beginning of the first.
    pub unread: Option<(u64, String)>,
}

/// Mails that are there and can't be had. They are tried again, and held in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptBack {
    /// How many.
    pub mails: usize,
    /// Why one of them can't, in words.
    pub why: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// Last touches that are refused. They are tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsettled {
    /// How many.
    pub mails: usize,
    /// Why, in words: what can't be done, and what the server said.
    pub why: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

impl WatchHealth {
    /// One whose events are counted.
    #[must_use]
    pub fn counted(meter: metrics::MailboxMeter) -> Self {
        Self {
            state: Mutex::default(),
            probes: Mutex::default(),
            meter,
        }
    }

    /// How it is now.
    #[must_use]
    pub fn state(&self) -> WatchState {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// It was looked at with success; `more`: there are mails that will be taken at a later look.
    pub(crate) fn looked(&self, now: DateTime<Utc>, more: bool) {
        self.change(|state| {
            *state = WatchState {
                connected: true,
                looked: Some(now),
                took: state.took,
                unread: state.unread.take(),
                untaken: if more { state.untaken } else { 0 },
                left: state.left,
                rival: state.rival,
                unsettled: state.unsettled.take(),
                kept_back: state.kept_back.take(),
                ids_again: state.ids_again,
                ..WatchState::default()
            };
        });
    }

    /// The last mail was taken then, by a process before this one.
    pub(crate) fn took_before(&self, at: DateTime<Utc>) {
        self.change(|state| state.took = state.took.or(Some(at)));
    }

    /// A connection to this server is tried.
    pub(crate) fn connects(&self, server: &str, now: DateTime<Utc>) {
        self.change(|state| state.connecting = Some((server.to_owned(), now)));
    }

    /// There was a session, but no look.
    pub(crate) fn reached(&self) {
        self.change(|state| {
            state.connected = true;
            (state.trouble, state.need, state.next, state.connecting) = (None, None, None, None);
        });
    }

    /// A session failed, or could not begin. The next one is tried after `wait`.
    pub(crate) fn lost(&self, error: &WatchError, wait: Duration, now: DateTime<Utc>) {
        self.meter.failed();
        self.change(|state| {
            state.since.get_or_insert(now);
            (state.connected, state.connecting) = (false, None);
            state.trouble = Some(error.to_string());
            state.need = Some(need(error));
            state.next = TimeDelta::from_std(wait)
                .ok()
                .and_then(|wait| now.checked_add_signed(wait));
        });
    }

    /// The server told of so many mails that are not taken yet.
    pub(crate) fn announced(&self, mails: usize) {
        self.change(|state| state.untaken = mails as u64);
    }

    /// So many mails lay there before it was watched and are left.
    pub(crate) fn left(&self, mails: u64) {
        self.change(|state| state.left = mails);
    }

    /// A probe was found in the mailbox. Of many only some count.
    pub(crate) fn probe(&self, whose: Installation, place: (u32, u32)) {
        let mut probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        if probes.len() < PROBES {
            probes.push((whose, place));
        }
    }

    /// Whether probes were found since.
    pub(super) fn has_probes(&self) -> bool {
        !self.probes.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The probes that were found since.
    pub(super) fn probes(&self) -> Vec<(Installation, (u32, u32))> {
        std::mem::take(&mut *self.probes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Another Mailjob works here with a ledger of its own, or has not shown itself for long.
    pub(crate) fn rival(&self, since: Option<DateTime<Utc>>) {
        self.change(|state| state.rival = since);
    }

    /// The server said what can't be read, and it was passed over. It's logged once.
    pub(crate) fn passed_over(&self, lines: usize, first: &Words) {
        let mut is_first = false;
        self.change(|state| {
            let (count, _) = state.unread.get_or_insert_with(|| {
                is_first = true;
                (0, first.to_string())
            });
            *count = count.saturating_add(lines as u64);
        });
        if is_first {
            tracing::warn!(line = %first, "the server says what can't be read; it is passed over");
        }
    }

    /// The server gave the ids of so many mails to others.
    pub(crate) fn ids_again(&self, mails: usize) {
        self.change(|state| state.ids_again = state.ids_again.saturating_add(mails as u64));
    }

    /// These mails, received at such times as the server says, were committed.
    pub(crate) fn took(&self, taken: IntakeResult, received: &[DateTime<Utc>], now: DateTime<Utc>) {
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
                MailOutcome::Done => SettledOutcome::Done,
                MailOutcome::Failed => SettledOutcome::Failed,
                MailOutcome::Ignored => SettledOutcome::Ignored,
            });
        }
    }

    /// So many mails wait for another try of their last touch; the last refusal of this pass, where there was one.
    pub(crate) fn aside(&self, mails: usize, why: Option<String>, now: DateTime<Utc>) {
        self.change(|state| {
            let before = state.unsettled.take().filter(|_| mails > 0);
            let (since, known) = before.map_or((now, None), |before| (before.since, Some(before.why)));
            state.unsettled = why
                .or(known)
                .filter(|_| mails > 0)
                .map(|why| Unsettled { mails, why, since });
        });
    }

    /// Mails whose last touch the server refused the last time.
    pub(super) fn unsettled(&self) -> usize {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.unsettled.as_ref().map_or(0, |unsettled| unsettled.mails)
    }

    /// So many mails are there and can't be had, and why one of them can't.
    pub(crate) fn kept_back(&self, mails: Option<(usize, &str)>, now: DateTime<Utc>) {
        self.change(|state| {
            let since = state.kept_back.as_ref().map_or(now, |before| before.since);
            state.kept_back = mails.map(|(mails, why)| KeptBack {
                mails,
                why: why.to_owned(),
                since,
            });
        });
    }

    fn change(&self, change: impl FnOnce(&mut WatchState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Who can end it.
fn need(error: &WatchError) -> MailboxRemedy {
    match error {
        _ if error.patience().is_some() => MailboxRemedy::Time,
        // It locks out who connects too often, or is overloaded.
        WatchError::NotGreeted(words) if words.is_refusal() => MailboxRemedy::Time,
        WatchError::SignIn(error) if error.needs_person() => MailboxRemedy::SignIn,
        WatchError::Credential { .. } => MailboxRemedy::SignIn,
        WatchError::LostLedger { .. } | WatchError::Forgotten => MailboxRemedy::Backlog,
        _ => match error.verdict() {
            error::Verdict::Reconnect => MailboxRemedy::Time,
            error::Verdict::SlowDown | error::Verdict::Fatal => MailboxRemedy::Operator,
        },
    }
}

/// When the server received these mails, where it said so.
pub(crate) fn received(mails: &[NewMail]) -> Vec<DateTime<Utc>> {
    mails.iter().filter_map(|mail| mail.received).collect()
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
