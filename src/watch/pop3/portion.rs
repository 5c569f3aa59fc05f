//! Which mails a session takes, and which of them the server could not deliver before. Pure.
//!
//! A maildrop is locked while a session lasts, so a session takes a part of a backlog only, and the next one comes at once. A mail that
//! breaks the session whenever it's asked for, or that the server refuses, comes last, then seldom, and is given up in the end: it must
//! not stand in the way of the others, and must not be forgotten. That takes its time, since a server in trouble may refuse all of them
//! for some minutes.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use tokio::time::Instant;

use super::maildrop::UntakenMail;
use crate::{
    ledger::MaildropName,
    watch::{
        care::{ANSWERED, TOO_MUCH, weight},
        error::WatchError,
    },
};

/// How long a mail is left alone that the server could not deliver.
const REST: Duration = Duration::from_secs(240);

/// What one session takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SessionQuota {
    /// Mails.
    pub(super) mails: usize,
    /// Bytes, as far as the server's sizes can be believed.
    pub(super) bytes: u64,
    /// No mail is begun later than this after the first one.
    pub(super) time: Duration,
}

impl SessionQuota {
    /// The portion for a server that wants this time between two sign-ins: the longer, the larger.
    pub(super) fn with(delay: Option<Duration>) -> Self {
        let usual = Self {
            mails: 100,
            bytes: 100_000_000,
            time: Duration::from_secs(120),
        };
        match delay {
            Some(delay) if delay >= Duration::from_secs(10) => Self {
                mails: 1_000,
                bytes: 1_000_000_000,
                time: Duration::from_secs(600),
            },
            Some(_) | None => usual,
        }
    }

    /// The same with no more mails than these.
    pub(super) fn at_most(self, mails: Option<usize>) -> Self {
        let mails = mails.map_or(self.mails, |most| most.min(self.mails));
        Self { mails, ..self }
    }
}

/// Mails that the server could not deliver.
#[derive(Debug, Default)]
pub(super) struct RetrFailures {
    troubles: HashMap<MaildropName, RetrFailure>,
    /// The mail that is being received.
    trying: Option<MaildropName>,
}

/// What a mail did to us.
#[derive(Debug)]
struct RetrFailure {
    weight: u32,
    last: Instant,
    /// What happened, in words.
    why: String,
}

impl RetrFailure {
    /// Whether it is left alone now. A connection may break over any mail, so that has to happen some times.
    fn rests(&self, now: Instant) -> bool {
        self.weight >= ANSWERED && now < self.last + REST
    }
}

impl RetrFailures {
    /// This mail is received next.
    pub(super) fn trying(&mut self, name: &MaildropName) {
        self.trying = Some(name.clone());
    }

    /// It was received.
    pub(super) fn received(&mut self) {
        if let Some(name) = self.trying.take() {
            self.troubles.remove(&name);
        }
    }

    /// It was given up, and begins anew when it is wanted again.
    pub(super) fn forget(&mut self, name: &MaildropName) {
        self.trying = None;
        self.troubles.remove(name);
    }

    /// The server refused it, or did not send all of it.
    pub(super) fn refused(&mut self, why: String, now: Instant) {
        self.blame(ANSWERED, why, now);
    }

    /// The session failed.
    pub(super) fn failed(&mut self, error: &WatchError, now: Instant) {
        self.blame(weight(error).unwrap_or(0), error.to_string(), now);
    }

    fn blame(&mut self, weight: u32, why: String, now: Instant) {
        if let Some(name) = self.trying.take().filter(|_| weight > 0) {
            let weight = weight.saturating_add(self.weight(&name));
            let trouble = RetrFailure { weight, last: now, why };
            self.troubles.insert(name, trouble);
        }
    }

    /// The mails that do not come, and why one of them doesn't.
    pub(super) fn kept_back(&self) -> Option<(usize, &str)> {
        let mut kept_back = self.troubles.values().filter(|trouble| trouble.weight >= ANSWERED);
        let first = kept_back.next()?;
        Some((1 + kept_back.count(), &first.why))
    }

    /// Why this mail is given up, if it is.
    pub(super) fn gives_up(&self, name: &MaildropName) -> Option<&str> {
        let trouble = self.troubles.get(name).filter(|trouble| trouble.weight >= TOO_MUCH);
        trouble.map(|trouble| &*trouble.why)
    }

    fn weight(&self, name: &MaildropName) -> u32 {
        self.troubles.get(name).map_or(0, |trouble| trouble.weight)
    }

    /// The mails of the next portion, and whether there are more: in the server's order, but those that made trouble last, if they are
    /// tried at all.
    pub(super) fn choose(
        &mut self,
        mut new: Vec<UntakenMail>,
        portion: SessionQuota,
        now: Instant,
    ) -> (Vec<UntakenMail>, bool) {
        let there: HashSet<&MaildropName> = new.iter().map(|mail| &mail.name).collect();
        self.troubles.retain(|name, _| there.contains(name));
        new.retain(|mail| self.troubles.get(&mail.name).is_none_or(|trouble| !trouble.rests(now)));
        new.sort_by_key(|mail| self.weight(&mail.name));
        let mut bytes: u64 = 0;
        let fitting = new.iter().take(portion.mails).take_while(|mail| {
            let fits = bytes < portion.bytes;
            bytes = bytes.saturating_add(mail.name.size);
            fits
        });
        let count = fitting.count();
        let more = new.len() > count;
        new.truncate(count);
        (new, more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ledger, watch::error::Violation};

    fn name(n: u64) -> MaildropName {
        MaildropName {
            uidl: format!("u{n}"),
            size: n,
        }
    }

    fn new(sizes: &[u64]) -> Vec<UntakenMail> {
        let mail = |size: &u64| UntakenMail {
            name: name(*size),
            number: 1,
            again: None,
        };
        sizes.iter().map(mail).collect()
    }

    fn chosen(care: &mut RetrFailures, sizes: &[u64], mails: usize, bytes: u64, now: Instant) -> (Vec<u64>, bool) {
        let portion = SessionQuota {
            mails,
            bytes,
            ..SessionQuota::with(None)
        };
        let (chosen, more) = care.choose(new(sizes), portion, now);
        (chosen.iter().map(|mail| mail.name.size).collect(), more)
    }

    #[test]
    fn a_session_takes_a_portion_and_one_mail_at_least() {
        let mut care = RetrFailures::default();
        for (sizes, mails, bytes, expected, more) in [
            (&[][..], 3, 100, &[][..], false),
            (&[1, 2, 3], 3, 100, &[1, 2, 3], false),
            (&[1, 2, 3, 4], 3, 100, &[1, 2, 3], true),
            (&[99, 1, 2], 3, 100, &[99, 1], true),
            (&[1000, 1], 3, 100, &[1000], true),
            (&[u64::MAX, u64::MAX - 1], 3, 100, &[u64::MAX], true),
        ] {
            assert_eq!(
                chosen(&mut care, sizes, mails, bytes, Instant::now()),
                (expected.to_vec(), more),
                "{sizes:?}"
            );
        }
        let patient = SessionQuota::with(Some(Duration::from_secs(900)));
        assert!(patient.mails > SessionQuota::with(Some(Duration::from_secs(1))).mails);
    }

    #[test]
    fn a_mail_that_is_refused_is_left_alone_for_a_while_and_given_up() {
        let (mut care, mut now) = (RetrFailures::default(), Instant::now());
        for time in 0..3 {
            assert_eq!(chosen(&mut care, &[1, 2, 3], 3, 100, now).0.len(), 3, "{time}");
            assert!(care.gives_up(&name(1)).is_none(), "{time}");
            care.trying(&name(1));
            care.refused("no".into(), now);
            now += REST - Duration::from_secs(1);
            assert_eq!(chosen(&mut care, &[1, 2, 3], 3, 100, now), (vec![2, 3], false));
            now += Duration::from_secs(1);
            assert_eq!(
                chosen(&mut care, &[1, 2, 3], 2, 100, now),
                (vec![2, 3], true),
                "the last"
            );
        }
        assert!(care.gives_up(&name(1)).is_some() && care.gives_up(&name(2)).is_none());
        chosen(&mut care, &[2, 3], 2, 100, now);
        assert!(care.gives_up(&name(1)).is_none(), "it left, and is forgotten");
    }

    #[test]
    fn connections_weigh_little_and_our_own_trouble_nothing() {
        let (mut care, now) = (RetrFailures::default(), Instant::now());
        let tries = |care: &mut RetrFailures, error: WatchError| {
            let mut tries = 0;
            while care.gives_up(&name(1)).is_none() && tries < 50 {
                care.trying(&name(1));
                care.failed(&error, now);
                tries += 1;
            }
            tries
        };
        let full = WatchError::Ledger(ledger::Error::Full("disk".into()));
        assert_eq!(tries(&mut care, full), 50);
        assert_eq!(tries(&mut care, WatchError::Closed), 9);
        care.trying(&name(1));
        care.received();
        assert_eq!(tries(&mut care, WatchError::Protocol(Violation::Line)), 3);
        care.failed(&WatchError::Closed, now);
        assert!(care.gives_up(&name(2)).is_none(), "nothing was being received");
    }

    #[test]
    fn a_connection_may_break_twice_before_a_mail_is_left_alone() {
        let (mut care, now) = (RetrFailures::default(), Instant::now());
        for expected in [true, true, false] {
            care.trying(&name(1));
            care.failed(&WatchError::Closed, now);
            assert_eq!(chosen(&mut care, &[1], 1, 100, now).0 == [1], expected);
        }
    }
}
