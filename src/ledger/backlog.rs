//! Mails that lay in a mailbox before it was watched: what is known of them, and what becomes of each. Types, and one pure decision.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cursor, Error, MailboxKey, MaildropName};

/// A mail is written before it is received, but for wrong clocks: one that was written so long before the first look is no new one.
const WRITTEN_BEFORE: TimeDelta = TimeDelta::days(2);

/// Clocks differ, and servers tell the second only: a mail that came so shortly before the first look may have come after it.
const CAME_BEFORE: TimeDelta = TimeDelta::minutes(2);

/// What the watch asks of the ledger about mails that lay there before.
#[async_trait]
pub trait BacklogLedger: Send + Sync + 'static {
    /// How a mailbox's backlog stands; nothing where its mails were taken from the first look on, or it was never seen.
    async fn backlog(&self, mailbox: &MailboxKey) -> Result<Option<Backlog>, Error>;

    /// What an operator said of a mailbox before its first look.
    async fn backlog_choice(&self, mailbox: &MailboxKey) -> Result<Option<Choice>, Error>;

    /// A mailbox waits for a word since it was read up to this cursor; gives back the first one that was noted.
    async fn backlog_wait(&self, mailbox: &MailboxKey, cursor: Cursor) -> Result<Cursor, Error>;

    /// Up to where a mailbox that waited for a word counts as read, if it did.
    async fn backlog_waited(&self, mailbox: &MailboxKey) -> Result<Option<Cursor>, Error>;

    /// Whether the ledger has taken a mail of this account, `user@host`, from whichever of its mailboxes.
    async fn knows_account(&self, account: &str) -> Result<bool, Error>;

    /// Since when a mailbox is to be watched that was not looked at yet: the first time that somebody asked this. What comes from then on did
    /// not lie there before. Nothing once the mails of its first look were listed.
    async fn backlog_begun(&self, mailbox: &MailboxKey) -> Result<Option<DateTime<Utc>>, Error>;

    /// Has mails taken that are listed, by their UIDs.
    async fn backlog_came(&self, mailbox: &MailboxKey, uids: Vec<u32>) -> Result<(), Error>;

    /// Leaves all mails of a mailbox as they are: the cursor is behind them. Begins a round of listing them.
    async fn backlog_begin(
        &self,
        mailbox: &MailboxKey,
        cursor: Cursor,
        take_since: Option<DateTime<Utc>>,
    ) -> Result<(), Error>;

    /// Counts that a session begins to list them; says how many did.
    async fn backlog_try(&self, mailbox: &MailboxKey) -> Result<u32, Error>;

    /// Notes some of them, whose UIDs are of this UIDVALIDITY. Again changes nothing.
    async fn backlog_note(&self, mailbox: &MailboxKey, uid_validity: u32, mails: Vec<OldMail>) -> Result<(), Error>;

    /// All of this round were noted, but `older` ones, which are too many. What was known of earlier rounds is dropped.
    async fn backlog_listed(&self, mailbox: &MailboxKey, older: u64) -> Result<Backlog, Error>;

    /// The first of those that are to be taken, by UID.
    async fn backlog_wanted(&self, mailbox: &MailboxKey, max: usize) -> Result<Vec<u32>, Error>;

    /// They were taken, or are gone.
    async fn backlog_taken(&self, mailbox: &MailboxKey, uids: Vec<u32>) -> Result<(), Error>;

    /// Has those taken that were received since then, or all. Says how many.
    async fn backlog_want(&self, mailbox: &MailboxKey, since: Option<DateTime<Utc>>) -> Result<u64, Error>;

    /// The first look at a maildrop: leaves all of its mails but those that were received since a time.
    async fn maildrop_first(
        &self,
        mailbox: &MailboxKey,
        cursor: Cursor,
        take_since: Option<DateTime<Utc>>,
        mails: Vec<(MaildropName, OldMail)>,
    ) -> Result<(), Error>;

    /// Leaves those mails of a maildrop that were left under other names. The others are new.
    async fn maildrop_sort(&self, mailbox: &MailboxKey, mails: Vec<(MaildropName, OldMail)>) -> Result<(), Error>;

    /// What tells this ledger from another one.
    async fn installation(&self) -> Result<[u8; 16], Error>;

    /// Mails of ours that lie in a mailbox to find a second ledger there, by UIDVALIDITY and UID.
    async fn probes(&self, mailbox: &MailboxKey) -> Result<Vec<(u32, u32)>, Error>;

    /// These are all of them.
    async fn note_probes(&self, mailbox: &MailboxKey, places: Vec<(u32, u32)>) -> Result<(), Error>;
}

/// How a mailbox's backlog stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Backlog {
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
pub enum Choice {
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
pub(super) struct Record {
    /// Whether this is the first round: everything was there before.
    pub(super) first: bool,
    /// Whether it was taken at this very place.
    pub(super) here: bool,
    /// Whether it was taken at another place.
    pub(super) taken: bool,
    /// Whether it was left in an earlier round, and was to be taken then.
    pub(super) left: Option<bool>,
}

/// What becomes of a mail that lies there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Nothing: it was taken, at this place.
    Done,
    /// It is left.
    Leave,
    /// It is taken; one that was taken before is known by its content then.
    Take,
}

/// What becomes of a mail that lies there, by what the ledger and the server know of it. Where they can't tell an old mail from a new
/// one, it is left and counted: nobody is answered by mistake, and nothing is lost.
pub(super) fn sort(
    mail: &OldMail,
    record: Record,
    first_look: DateTime<Utc>,
    take_since: Option<DateTime<Utc>>,
) -> Sort {
    match record {
        Record { here: true, .. } => Sort::Done,
        Record { taken: true, .. } => Sort::Take,
        Record { left: Some(wanted), .. } => {
            if wanted {
                Sort::Take
            } else {
                Sort::Leave
            }
        }
        Record { first: true, .. } => {
            let since = take_since.zip(mail.received).is_some_and(|(since, at)| at >= since);
            if since { Sort::Take } else { Sort::Leave }
        }
        Record { .. } => {
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
    pub backlog: Option<Backlog>,
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
    pub backlog: Option<Backlog>,
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
        let first = Record {
            first: true,
            ..Record::default()
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
        let renumbered = Record::default();
        for (name, record, received, written, sorted) in [
            (
                "it was left",
                Record {
                    left: Some(false),
                    ..renumbered
                },
                Some(5),
                Some(5),
                Sort::Leave,
            ),
            (
                "it was to be taken",
                Record {
                    left: Some(true),
                    ..renumbered
                },
                Some(-5),
                Some(-5),
                Sort::Take,
            ),
            (
                "it was taken",
                Record {
                    taken: true,
                    ..renumbered
                },
                Some(-5),
                Some(-5),
                Sort::Take,
            ),
            (
                "a copy was left",
                Record {
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
                Record {
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
