//! When looks keep failing: mails one at a time, and one that the server can't deliver is given up. Pure.
//!
//! A mail may break the session whenever it's fetched: the server answers NO or falls over, or the parser can't read the answer. It must
//! not stand in the way of those behind it, and must not be forgotten: it becomes a job that is held, and stays where it is.

use super::error::Error;

/// Looks that fail in a row before mails are received one at a time.
const LOOKS: u32 = 3;
/// What a mail may weigh before it's given up …
pub(super) const TOO_MUCH: u32 = 9;
/// … when a failure is the server's word on it …
pub(super) const ANSWERED: u32 = 3;
/// … or a connection that broke, which may be anybody's fault.
const BROKE: u32 = 1;

/// What a failure weighs for the mail that was being received; `None` where it's nobody's fault.
pub(super) fn weight(error: &Error) -> Option<u32> {
    match error {
        Error::Refused { .. }
        | Error::Undelivered { .. }
        | Error::Protocol(_)
        | Error::Odd { .. }
        | Error::Early { .. }
        | Error::Unreadable(_) => Some(ANSWERED),
        Error::Bye(_)
        | Error::Closed
        | Error::Io(_)
        | Error::Silent(_)
        | Error::Endless { .. }
        | Error::Flood { .. } => Some(BROKE),
        Error::Net(_)
        | Error::Credential { .. }
        | Error::NotGreeted(_)
        | Error::NoMechanism(_)
        | Error::InUse(_)
        | Error::TooSoon { .. }
        | Error::NoUidl(_)
        | Error::SignIn(_)
        | Error::Name(_)
        | Error::LostLedger { .. }
        | Error::Forgotten
        | Error::Ledger(_) => None,
    }
}

/// How the last looks went.
#[derive(Debug, Default)]
pub(super) struct Care {
    failures: u32,
    /// The mail that is being received alone.
    trying: Option<u32>,
    /// The mail over which sessions ended, and what it weighs.
    suspect: Option<(u32, u32)>,
    /// What the last failure was, in words.
    why: String,
}

impl Care {
    /// Whether mails are received one at a time.
    pub(super) fn alone(&self) -> bool {
        self.failures >= LOOKS
    }

    /// This mail is received next, alone. Says whether it's given up instead.
    pub(super) fn try_alone(&mut self, uid: u32) -> bool {
        self.trying = Some(uid);
        self.suspect
            .is_some_and(|(suspect, weight)| suspect == uid && weight >= TOO_MUCH)
    }

    /// What the last failure was.
    pub(super) fn why(&self) -> &str {
        &self.why
    }

    /// A look went well.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// A look failed.
    pub(super) fn failed(&mut self, error: &Error) {
        let Some(weight) = weight(error) else { return };
        self.why = match error {
            Error::Undelivered { why, .. } => why.to_string(),
            error => error.to_string(),
        };
        self.failures = self.failures.saturating_add(1);
        if let Some(uid) = self.trying.take() {
            let before = self
                .suspect
                .filter(|(suspect, _)| *suspect == uid)
                .map_or(0, |(_, weight)| weight);
            self.suspect = Some((uid, before.saturating_add(weight)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ledger, watch::error::Violation};

    #[test]
    fn a_mail_that_the_server_cannot_deliver_is_given_up() {
        let mut care = Care::default();
        let unreadable = Error::Protocol(Violation::Grammar);
        for _ in 0..LOOKS {
            assert!(!care.alone());
            care.failed(&unreadable);
        }
        assert!(care.alone());
        for _ in 0..3 {
            assert!(!care.try_alone(7));
            assert!(!care.try_alone(8));
            care.failed(&unreadable);
        }
        assert!(!care.try_alone(7), "it went well");
        assert!(care.try_alone(8));
        care.succeeded();
        assert!(!care.alone() && !care.try_alone(8));
    }

    #[test]
    fn a_connection_that_breaks_weighs_little_and_the_ledgers_trouble_nothing() {
        let mut care = Care::default();
        for _ in 0..20 {
            care.failed(&Error::Ledger(ledger::Error::Full("disk".into())));
        }
        assert!(!care.alone());
        let tries = (0..20).take_while(|_| {
            let given_up = care.try_alone(8);
            care.failed(&Error::Closed);
            !given_up
        });
        assert_eq!(tries.count(), 9);
    }
}
