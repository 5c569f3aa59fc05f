//! How long the ledger keeps what has ended. Types only; `check` reads them.

use std::time::Duration;

/// How long the ledger keeps what has ended. What is still to do is kept whatever this says, and so is what a mail is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Bytes of mails. Default 7 days, 4 GiB.
    pub mails: Keep,
    /// Bytes of replies, with all that is attached to them. Default 30 days, 2 GiB.
    pub results: Keep,
    /// Jobs, their attempts with the texts of answers, and what became of replies. Default 365 days, 2 GiB.
    pub history: Keep,
}

/// How long one kind is kept: whichever comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Since it ended; `None`: for ever.
    pub age: Option<Duration>,
    /// All together, in bytes; what ended first goes first. `None`: however much.
    pub size: Option<u64>,
}

impl Keep {
    /// For ever.
    pub const FOR_EVER: Self = Self { age: None, size: None };

    const fn days(days: u64, gib: u64) -> Self {
        Self {
            age: Some(Duration::from_secs(days * 24 * 60 * 60)),
            size: Some(gib << 30),
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            mails: Keep::days(7, 4),
            results: Keep::days(30, 2),
            history: Keep::days(365, 2),
        }
    }
}
