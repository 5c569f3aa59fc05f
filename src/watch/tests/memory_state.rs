//! What the ledger in memory holds.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use crate::ledger::*;

#[derive(Default)]
pub(crate) struct State {
    pub(crate) cursor: Option<Cursor>,
    pub(crate) mails: BTreeMap<Place, NewMail>,
    pub(crate) pieces: HashMap<UploadId, Vec<Bytes>>,
    pub(crate) commits: usize,
    pub(crate) due: Vec<Settling>,
    pub(crate) settled: Vec<Place>,
    pub(crate) fail: bool,
    /// How often the mailbox was asked for, and how often another still has it then.
    pub(crate) watches: usize,
    pub(crate) another_has_it: usize,
    /// Another takes it before the next mail is taken.
    pub(crate) is_taken_away: bool,
    pub(crate) maildrop: Vec<(MaildropName, u32)>,
    pub(crate) numbers: u32,
    pub(crate) skipped: Vec<u32>,
    /// Mails that an operator wants fetched again, by their UID.
    pub(crate) wanted: Vec<u32>,
    /// Those that could not be fetched, and why.
    pub(crate) unfetched: Vec<(u32, Lack)>,
    pub(crate) backlog: Option<BacklogSummary>,
    pub(crate) choice: Option<BacklogChoice>,
    pub(crate) knows_account: bool,
    pub(crate) waited: Option<Cursor>,
    pub(crate) old: Vec<OldMail>,
    /// Mails that lay there before and are to be taken.
    pub(crate) old_wanted: Vec<u32>,
    /// When it was first tried to have a first look.
    pub(crate) begun: Option<chrono::DateTime<chrono::Utc>>,
    pub(crate) header_keys: HashMap<u32, [u8; 32]>,
    /// Where our probes lie: UIDVALIDITY and UID.
    pub(crate) probes: Vec<(u32, u32)>,
}
