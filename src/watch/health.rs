//! How a mailbox is doing, for whoever is asked.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

/// A cell that the watch loop writes and others read.
#[derive(Debug, Default)]
pub struct Health(Mutex<State>);

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
}

impl Health {
    /// How it is now.
    #[must_use]
    pub fn state(&self) -> State {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn looked(&self, now: DateTime<Utc>) {
        self.change(|state| {
            *state = State {
                connected: true,
                looked: Some(now),
                trouble: None,
                since: None,
            };
        });
    }

    /// There was a session, but no look.
    pub(crate) fn reached(&self) {
        self.change(|state| {
            state.connected = true;
            state.trouble = None;
        });
    }

    pub(crate) fn lost(&self, trouble: String, now: DateTime<Utc>) {
        self.change(|state| {
            state.since.get_or_insert(now);
            state.connected = false;
            state.trouble = Some(trouble);
        });
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
