//! `[retention]`: how long the ledger keeps what has ended.

use std::time::Duration;

use toml::de::DeValue;

use super::DAY;
use crate::config::{
    declare::{keys, never, usual_as},
    key::Allowed,
    kind::{Bytes, OrFalse, Time},
    sheet::PlacedValue,
};

keys! {
    /// How long the ledger keeps what has ended. What is still to do is kept whatever this says, and so is what a mail is known by.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Retention: Default in "retention" "\
How long the ledger keeps what has ended, by time and all together, whichever comes first; false in place of either, or of both: for ever.
What is still to do is kept whatever stands here, and so is what a mail is known by: the same mail never becomes a second job. Looked at
each 15 minutes; takes effect at the next start." {
        mails: Keep = kept() => keep(Keep::days(7, 4)), usual_as(Keep::days(7, 4), "{ age = \"7d\", size = \"4GiB\" }"),
            "the bytes of mails; age 0s to 3650d";
        results: Keep = kept() => keep(Keep::days(30, 2)), usual_as(Keep::days(30, 2), "{ age = \"30d\", size = \"2GiB\" }"),
            "the bytes of replies, with all that is attached to them; until then a refused one can be sent again";
        history: Keep = kept() => keep(Keep::days(365, 2)), usual_as(Keep::days(365, 2), "{ age = \"365d\", size = \"2GiB\" }"),
            "jobs, attempts with the texts of answers, and what became of replies";
    }
}

keys! {
    /// Its bounds as they are written.
    struct KeepKeys in "" "" {
        age: Option<Option<Duration>> = OrFalse(Time(Duration::ZERO..=3650 * DAY)),
            never("\"7d\""), "since it ended; false: for ever";
        size: Option<Option<u64>> = OrFalse(Bytes(0..=1 << 50)), never("\"4GiB\""),
            "all together; false: however much";
    }
}

/// A table of bounds, or false.
fn kept() -> Allowed {
    Allowed::Either(vec![Allowed::Flag, KeepKeys::allowed()])
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

/// `false`, or a table of limits; what it does not name has its default.
fn keep<'a>(default: Keep) -> impl Fn(PlacedValue<'a>) -> Option<Keep> {
    move |value| match value.raw {
        DeValue::Boolean(false) => Some(Keep::FOR_EVER),
        DeValue::Table(_) => value.table(KeepKeys::read).map(|said| Keep {
            age: said.age.unwrap_or(default.age),
            size: said.size.unwrap_or(default.size),
        }),
        _ => value.wrong(
            "is no table",
            "write { age = \"30d\", size = \"2GiB\" }, or false to keep them for ever",
        ),
    }
}
