//! Mails that lay in a mailbox before it was watched: what is known of them, and what becomes of each. Types, and one pure decision.

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A mail is written before it is received, but for wrong clocks: one that was written so long before the first look is no new one.
const WRITTEN_BEFORE: TimeDelta = TimeDelta::days(2);

/// Clocks differ, and servers tell the second only: a mail that came so shortly before the first look may have come after it.
const CAME_BEFORE: TimeDelta = TimeDelta::minutes(2);

/// How a mailbox's backlog stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Backlog")]
pub struct BacklogSummary {
    /// When the mailbox was looked at for the first time.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub first_look: DateTime<Utc>,
    /// Mails that were there then and are left.
    pub left: u64,
    /// Of these, mails that are not listed one by one: too many lie there.
    pub older: u64,
    /// Mails that were there and are taken next.
    pub wanted: u64,
    /// Whether all were listed.
    pub listed: bool,
}

/// What an operator says of mails that lie in a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "Choice")]
pub enum BacklogChoice {
    /// They are left.
    Skip,
    /// They are taken; where a time is named, those that were received since then.
    Take {
        /// That time.
        #[schemars(with = "Option<String>", extend("format" = "date-time"))]
        since: Option<DateTime<Utc>>,
    },
}

/// A mail that lies there, as far as it is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OldMail {
    /// Its UID, or the number that the ledger gives it.
    pub uid: u32,
    /// SHA-256 over what stays of its header, where it could be read.
    pub key: Option<[u8; 32]>,
    /// When the server received it.
    pub received: Option<DateTime<Utc>>,
    /// When it says that it was written.
    pub written: Option<DateTime<Utc>>,
    /// Its bytes, as the server says.
    pub size: u64,
    /// Its From, cleaned and cut.
    pub sender: String,
    /// Its subject, cleaned and cut.
    pub subject: String,
}

/// What the ledger knows of a mail that lies there, when it sorts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::ledger) struct BacklogRecord {
    /// Whether this is the first round: everything was there before.
    pub(in crate::ledger) first: bool,
    /// Whether it was taken at this very place.
    pub(in crate::ledger) here: bool,
    /// Whether it was taken at another place.
    pub(in crate::ledger) taken: bool,
    /// Whether it was left in an earlier round, and was to be taken then.
    pub(in crate::ledger) left: Option<bool>,
}

/// What becomes of a mail that lies there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger) enum Sort {
    /// Nothing: it was taken, at this place.
    Done,
    /// It is left.
    Leave,
    /// It is taken; one that was taken before is known by its content then.
    Take,
}

/// What becomes of a mail that lies there, by what the ledger and the server know of it. Where they can't tell an old mail from a new
/// one, it is left and counted: nobody is answered by mistake, and nothing is lost.
pub(in crate::ledger) fn sort(
    mail: &OldMail,
    record: BacklogRecord,
    first_look: DateTime<Utc>,
    take_since: Option<DateTime<Utc>>,
) -> Sort {
    match record {
        BacklogRecord { here: true, .. } => Sort::Done,
        BacklogRecord { taken: true, .. } => Sort::Take,
        BacklogRecord { left: Some(wanted), .. } => {
            if wanted {
                Sort::Take
            } else {
                Sort::Leave
            }
        }
        BacklogRecord { first: true, .. } => {
            let since = take_since.zip(mail.received).is_some_and(|(since, at)| at >= since);
            if since { Sort::Take } else { Sort::Leave }
        }
        BacklogRecord { .. } => {
            let came_before = mail.received.map(|at| at < first_look - CAME_BEFORE);
            let written_before = mail.written.map(|at| at < first_look - WRITTEN_BEFORE);
            match (came_before, written_before) {
                (Some(true), _) | (_, Some(true)) | (None, None) => Sort::Leave,
                (Some(false), _) | (None, Some(false)) => Sort::Take,
            }
        }
    }
}

/// The operator's look at a backlog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BacklogPage {
    /// How it stands; null where the mailbox was not looked at yet, or its mails were taken from the first look on.
    pub backlog: Option<BacklogSummary>,
    /// Mails that are left, the newest first.
    pub mails: Vec<BacklogRow>,
    /// What to give as `before` for those that follow; null where none do.
    pub next: Option<u32>,
}

/// A mail that is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BacklogRow {
    /// Its UID in the mailbox; with POP3 its number in the ledger.
    pub uid: u32,
    /// When the server received it, or by POP3 when it says that it was written.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub received: Option<DateTime<Utc>>,
    /// Its bytes, as the server says.
    pub size: u64,
    /// Its From.
    pub from: String,
    /// Its subject.
    pub subject: String,
    /// Whether it is taken next.
    pub wanted: bool,
}

/// Which mails of a backlog an operator wants taken.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BacklogWish {
    /// Those that were received since then; all where neither this nor `uids` says otherwise.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub since: Option<DateTime<Utc>>,
    /// Those with these UIDs.
    #[serde(default)]
    #[schemars(length(max = 1000), inner(range(max = 4_294_967_295_u32)))]
    pub uids: Vec<u32>,
}

/// What became of a word on a backlog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BacklogAnswer {
    /// Mails that are taken next because of it.
    pub taken: u64,
    /// How the backlog stands now; null where the mailbox was not looked at yet: the word counts at its first look, but not one on single
    /// UIDs, which nobody knows before.
    pub backlog: Option<BacklogSummary>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + day * 86_400, 0).unwrap()
    }

    fn mail(received: Option<i64>, written: Option<i64>) -> OldMail {
        OldMail {
            received: received.map(day),
            written: written.map(day),
            ..OldMail::default()
        }
    }

    #[test]
    fn all_that_was_there_is_left_but_what_since_names() {
        let first = BacklogRecord {
            first: true,
            ..BacklogRecord::default()
        };
        for (received, since, sorted) in [
            (Some(-3), None, Sort::Leave),
            (None, None, Sort::Leave),
            (Some(-3), Some(-2), Sort::Leave),
            (Some(-2), Some(-2), Sort::Take),
            (Some(-1), Some(-2), Sort::Take),
            (None, Some(-2), Sort::Leave),
        ] {
            let found = sort(&mail(received, Some(-1)), first, day(0), since.map(day));
            assert_eq!(found, sorted, "{received:?} {since:?}");
        }
    }

    #[test]
    fn a_renumbered_mail_is_known_by_what_is_left_of_it_and_else_by_when_it_came() {
        let renumbered = BacklogRecord::default();
        for (name, record, received, written, sorted) in [
            (
                "it was left",
                BacklogRecord {
                    left: Some(false),
                    ..renumbered
                },
                Some(5),
                Some(5),
                Sort::Leave,
            ),
            (
                "it was to be taken",
                BacklogRecord {
                    left: Some(true),
                    ..renumbered
                },
                Some(-5),
                Some(-5),
                Sort::Take,
            ),
            (
                "it was taken",
                BacklogRecord {
                    taken: true,
                    ..renumbered
                },
                Some(-5),
                Some(-5),
                Sort::Take,
            ),
            (
                "a copy was left",
                BacklogRecord {
                    taken: true,
                    left: Some(false),
                    ..renumbered
                },
                Some(-5),
                None,
                Sort::Take,
            ),
            (
                "it is where it was",
                BacklogRecord {
                    here: true,
                    ..renumbered
                },
                Some(5),
                Some(5),
                Sort::Done,
            ),
            ("it came before", renumbered, Some(-1), Some(-1), Sort::Leave),
            ("it came since", renumbered, Some(1), Some(1), Sort::Take),
            ("it came at that moment", renumbered, Some(0), Some(0), Sort::Take),
            ("it was queued for a day", renumbered, Some(1), Some(-1), Sort::Take),
            (
                "a restore gave it a new date",
                renumbered,
                Some(1),
                Some(-30),
                Sort::Leave,
            ),
            ("it says nothing of itself", renumbered, Some(1), None, Sort::Take),
            ("the server says nothing", renumbered, None, Some(1), Sort::Take),
            ("nobody says anything", renumbered, None, None, Sort::Leave),
        ] {
            assert_eq!(sort(&mail(received, written), record, day(0), None), sorted, "{name}");
        }
    }
}
