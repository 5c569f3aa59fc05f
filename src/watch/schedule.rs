//! When to look again. Pure: `now` is an argument.

use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tokio::time::Instant;

use crate::config::{Mailbox, Polling, WatchMode};

/// How often a mailbox is looked at whose pattern names no time that can be computed.
const UNKNOWN: Duration = Duration::from_secs(15 * 60);
/// How often the clock on the wall is looked at while a time is waited for that a pattern names: somebody may set it.
const RECHECK: Duration = Duration::from_secs(5 * 60);
/// The pause before a look that is not wanted: a year, since timers have an end.
pub(crate) const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);
/// A session is kept for a pause of at most this length: servers end silent ones after 30 minutes, some much sooner.
const KEEP: Duration = Duration::from_secs(240);
/// The longest IDLE before it's issued anew. RFC 2177 says 29 minutes; Exchange Online stops pushing after 10 (2026).
const IDLE: Duration = Duration::from_secs(9 * 60);
/// How often a mailbox is looked at whose server has no IDLE.
const POLL: Duration = Duration::from_secs(10);

/// The next look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NextLook {
    /// When it is due, or it is looked whether it is.
    pub(crate) at: Instant,
    /// What a cron pattern named: it is due when the clock on the wall shows that.
    named: Option<DateTime<Utc>>,
}

impl NextLook {
    /// At this time, whatever any clock on the wall shows.
    pub(crate) fn at(at: Instant) -> Self {
        Self { at, named: None }
    }

    /// The first look of a process.
    pub(crate) fn first(watch: &WatchMode, wall: DateTime<Utc>, now: Instant) -> Self {
        match watch {
            WatchMode::Idle { .. } | WatchMode::Every(_) => Self::at(now),
            WatchMode::Cron { .. } => Self::after(watch, false, wall, now),
        }
    }

    /// The look after one that was just made. `push` says whether the server tells of new mail by itself.
    pub(crate) fn after(watch: &WatchMode, push: bool, wall: DateTime<Utc>, now: Instant) -> Self {
        match watch {
            WatchMode::Idle { look } if push => Self::at(now + (*look).min(IDLE)),
            WatchMode::Idle { look } => Self::at(now + (*look).min(POLL)),
            WatchMode::Every(interval) => Self::at(now + *interval),
            WatchMode::Cron { pattern, zone } => match named(pattern, *zone, wall) {
                Some(named) => Self::named(named, wall, now),
                None => {
                    tracing::error!(
                        cron = pattern.as_str(), timezone = %zone, every_s = UNKNOWN.as_secs(),
                        "the next time that this pattern names can't be computed, so the mailbox is looked at again and again; write another pattern, or every = \"…\""
                    );
                    Self::at(now + UNKNOWN)
                }
            },
        }
    }

    fn named(named: DateTime<Utc>, wall: DateTime<Utc>, now: Instant) -> Self {
        let wait = (named - wall).to_std().unwrap_or_default();
        Self {
            at: now + wait.min(RECHECK),
            named: Some(named),
        }
    }

    /// The earlier one of both.
    pub(crate) fn or_earlier(self, other: Self) -> Self {
        if other.at < self.at { other } else { self }
    }

    /// Whether it is due. What was named is waited for further where it hasn't come yet, or comes again as the clock was set back.
    pub(crate) fn is_due(&mut self, watch: &WatchMode, wall: DateTime<Utc>, now: Instant) -> bool {
        match self.named {
            _ if now < self.at => false,
            Some(before) if wall < before => {
                let next = match watch {
                    WatchMode::Cron { pattern, zone } => named(pattern, *zone, wall),
                    WatchMode::Idle { .. } | WatchMode::Every(_) => None,
                };
                *self = Self::named(next.map_or(before, |next| next.min(before)), wall, now);
                false
            }
            _ => true,
        }
    }
}

/// The looks at a mailbox: when the next one is due, how many there were, and what the running one may still take. Pure.
#[derive(Debug)]
pub(crate) struct LookPlan {
    /// Boxed: every watch that waits keeps one.
    next: Box<NextLook>,
    /// One may take several sessions.
    count: usize,
    /// Mails.
    left: Option<usize>,
}

impl LookPlan {
    /// Of a mailbox that was not looked at yet.
    pub(crate) fn first(mailbox: &Mailbox, wall: DateTime<Utc>, now: Instant) -> Self {
        Self {
            next: Box::new(NextLook::first(&mailbox.watch, wall, now)),
            count: 0,
            left: mailbox.looks.batch,
        }
    }

    /// When the next unconditional one is due.
    pub(crate) fn next(&self) -> Instant {
        self.next.at
    }

    /// How many there were.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// How many mails the running one may still take, where that is limited.
    pub(crate) fn left(&self) -> Option<usize> {
        self.left
    }

    /// Whether the next one is due.
    pub(crate) fn is_due(&mut self, mailbox: &Mailbox, wall: DateTime<Utc>, now: Instant) -> bool {
        self.next.is_due(&mailbox.watch, wall, now)
    }

    /// Whether there were as many as the operator wants.
    pub(crate) fn is_over(&self, mailbox: &Mailbox) -> bool {
        is_over(&mailbox.looks, self.count)
    }

    /// Whether one may be had at any time: the operator said neither when to look nor that there were enough.
    pub(crate) fn is_free(&self, mailbox: &Mailbox) -> bool {
        !is_scheduled(&mailbox.watch) && !self.is_over(mailbox)
    }

    /// The running one took mails.
    pub(crate) fn took(&mut self, mails: usize) {
        self.left = self.left.map(|left| left.saturating_sub(mails));
    }

    /// The next one is due now.
    pub(crate) fn at_once(&mut self, now: Instant) {
        *self.next = NextLook::at(now);
    }

    /// The server does not tell of mail after all: the next one is due as soon as where none does.
    pub(crate) fn polls(&mut self, mailbox: &Mailbox, wall: DateTime<Utc>, now: Instant) {
        *self.next = self.next.or_earlier(NextLook::after(&mailbox.watch, false, wall, now));
    }

    /// The running one has ended. `more` says that there is more to take, `push` that the server tells of mail.
    pub(crate) fn ended(&mut self, mailbox: &Mailbox, more: bool, push: bool, wall: DateTime<Utc>, now: Instant) {
        self.left = mailbox.looks.batch;
        self.count = self.count.saturating_add(1);
        // Who is told of mail expects that it is taken; who looks at times expects a batch each time.
        let at_once = more && !is_scheduled(&mailbox.watch);
        let usual = || NextLook::after(&mailbox.watch, push, wall, now);
        *self.next = after_look(&mailbox.looks, self.count, at_once, now, usual);
    }
}

/// Whether the operator said when to look.
fn is_scheduled(watch: &WatchMode) -> bool {
    !matches!(watch, WatchMode::Idle { .. })
}

/// The first instant after this one that a pattern names.
fn named(pattern: &croner::Cron, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let next = pattern.find_next_occurrence(&now.with_timezone(&zone), false).ok()?;
    // What is named after now and lies before it is no answer.
    Some(next.to_utc()).filter(|next| *next > now)
}

/// Whether there were as many looks as are wanted.
pub(crate) fn is_over(looks: &Polling, count: usize) -> bool {
    looks.repeat.is_some_and(|repeat| count >= repeat)
}

/// When the look after the one of this number is. `more` says that there is more to take at once.
pub(crate) fn after_look(
    looks: &Polling,
    count: usize,
    more: bool,
    now: Instant,
    usual: impl FnOnce() -> NextLook,
) -> NextLook {
    match (is_over(looks, count), more) {
        (true, _) => NextLook::at(now + FOR_EVER),
        (false, true) => NextLook::at(now),
        (false, false) => usual(),
    }
}

/// Whether the session is kept for a pause of this length.
pub(crate) fn keeps(pause: Duration) -> bool {
    pause <= KEEP
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
