//! Whether a webhook is asked that is down: the rule, pure.
//!
//! It counts as down after [`FAILURES`] requests in a row that came to nothing by no fault of a mail. Then it is asked by one request at a
//! time, after waits that double up to [`LONGEST`]; whatever it answers but that it can't, it is up again. It is each endpoint's own: of one
//! host, one path may be down and another not, and each waits as long as its file says.
//!
//! One that refuses us until its operator has acted (401, 404, …) is left alone in the same way: a night's mails don't storm it, and lock no key.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::{
    backoff::{self, Backoff},
    job::{Blame, Outcome, Reason},
};

/// Requests in a row after which a webhook counts as down.
pub(in crate::dispatch) const FAILURES: u32 = 5;
/// The first wait before it is asked again.
const FIRST: Duration = Duration::from_secs(1);
/// The longest.
pub(in crate::dispatch) const LONGEST: Duration = Duration::from_secs(60);

/// A webhook that is down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDown {
    /// Since when.
    pub since: DateTime<Utc>,
    /// What it said last, or why it said nothing.
    pub said: String,
    /// When it is asked next; the past while it is being asked.
    pub next: DateTime<Utc>,
    /// Why: [`Reason::Down`] where nobody is there, else what only the operator can end.
    pub reason: Reason,
}

impl WebhookDown {
    /// Whether it is there and refuses us, until the operator has acted.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.reason.fault() == Blame::Operator
    }
}

/// Why a webhook is not to be asked, as one outcome says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dispatch) struct WebhookFailure<'a> {
    pub(in crate::dispatch) reason: Reason,
    pub(in crate::dispatch) said: &'a str,
}

/// What is known of a webhook.
#[derive(Debug, Default)]
pub(in crate::dispatch) struct Breaker {
    /// Failures in a row.
    failures: u32,
    open: Option<OpenCircuit>,
}

#[derive(Debug)]
struct OpenCircuit {
    down: WebhookDown,
    since: Instant,
    until: Instant,
    /// How often it was asked in vain since.
    probes: u32,
    /// Whether it is being asked.
    asking: bool,
}

/// What to do with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dispatch) enum BreakerVerdict {
    /// Send it.
    Ask,
    /// Somebody asks just now: wait for what comes of it.
    Wait,
    /// Not before then; it has been down for so long.
    NotBefore(Instant, Duration),
}

impl Breaker {
    /// Whether a request may be sent. One that may has to be followed by [`Self::answered`] or [`Self::gave_up`].
    pub(in crate::dispatch) fn admit(&mut self, now: Instant) -> BreakerVerdict {
        match &mut self.open {
            None => BreakerVerdict::Ask,
            Some(open) if open.asking => BreakerVerdict::Wait,
            Some(open) if open.until > now => BreakerVerdict::NotBefore(open.until, now.duration_since(open.since)),
            Some(open) => {
                open.asking = true;
                BreakerVerdict::Ask
            }
        }
    }

    /// Until when no job needs to be claimed, and for how long it has been down; for no time where jobs wait for the operator without end.
    pub(in crate::dispatch) fn rest(&self) -> Option<(Instant, Duration)> {
        let open = self.open.as_ref()?;
        let so_long = match open.down.refuses() {
            true => Duration::ZERO,
            false => open.until.duration_since(open.since),
        };
        Some((open.until, so_long))
    }

    /// A request has ended: `failed` says why, where the webhook is down. `jitter` is from 0 to 1 and adds up to a fifth of a wait.
    pub(in crate::dispatch) fn answered(
        &mut self,
        failed: Option<WebhookFailure<'_>>,
        jitter: f64,
        (now, time): (Instant, DateTime<Utc>),
    ) {
        let Some(WebhookFailure { reason, said }) = failed else {
            *self = Self::default();
            return;
        };
        self.failures = self.failures.saturating_add(1);
        let probes = match &self.open {
            None if self.failures < FAILURES => return,
            // Sent before it was known to be down.
            Some(open) if !open.asking => return,
            None => 0,
            Some(open) => open.probes + 1,
        };
        let wait = Backoff::doubling(FIRST, LONGEST).after(probes.saturating_add(1));
        let wait = backoff::spread(wait, 1.0..=1.2, jitter);
        // How long nobody was there is not counted from when it refused us, nor the other way round.
        let same = |open: &&OpenCircuit| open.down.refuses() == (reason.fault() == Blame::Operator);
        let (since, down_since) = self
            .open
            .as_ref()
            .filter(same)
            .map_or((now, time), |open| (open.since, open.down.since));
        self.open = Some(OpenCircuit {
            down: WebhookDown {
                since: down_since,
                said: said.to_owned(),
                next: time + wait,
                reason,
            },
            since,
            until: now + wait,
            probes,
            asking: false,
        });
    }

    /// A request was begun and not brought to its end: nothing is known of the webhook, and the next one asks.
    pub(in crate::dispatch) fn gave_up(&mut self) {
        if let Some(open) = &mut self.open {
            open.asking = false;
        }
    }

    /// Somebody thinks that it is up again: it may be asked now.
    pub(in crate::dispatch) fn hurry(&mut self, (now, time): (Instant, DateTime<Utc>)) {
        if let Some(open) = &mut self.open {
            open.until = open.until.min(now);
            open.down.next = open.down.next.min(time);
        }
    }

    /// How it is down, where it is.
    pub(in crate::dispatch) fn down(&self) -> Option<&WebhookDown> {
        self.open.as_ref().map(|open| &open.down)
    }
}

/// Why the webhook is not to be asked, where this outcome says so: nobody was reached, nothing came in time, whoever stands before it says
/// that it isn't there, or it refuses whoever asks. What else a webhook answers may be the fault of one mail.
pub(in crate::dispatch) fn failure(outcome: &Outcome) -> Option<WebhookFailure<'_>> {
    let Outcome::Retry { reason, detail, .. } = outcome else {
        return None;
    };
    let reason = match reason {
        Reason::Network | Reason::Timeout | Reason::Status(502..=504) => Reason::Down,
        reason if reason.fault() == Blame::Operator => *reason,
        _ => return None,
    };
    Some(WebhookFailure { reason, said: detail })
}

#[cfg(test)]
#[path = "breaker_tests.rs"]
mod tests;
