//! Where reading begins, and in what portions it goes on. Pure.
//!
//! UIDs only ascend while UIDVALIDITY stays the same (RFC 9051 section 2.3.1.1). Where a server breaks that, or the number changes,
//! everything is listed again; the ledger knows the mails by their content, so nothing is lost and nothing is done twice.

use super::imap::Selected;
use crate::ledger::Cursor;

/// The mails of one portion: what is received before a commit.
const MAILS: usize = 128;
/// The bytes of one portion, as far as the server's sizes can be believed.
const BYTES: u64 = 4 << 20;
/// A mail of at most this size comes together with others; a larger one comes in pieces.
pub(crate) const SMALL: u32 = 256 << 10;

/// Where reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StartPoint {
    /// The cursor to go on with.
    pub(crate) cursor: Cursor,
    /// Why it is not the one in the ledger.
    pub(crate) relist: Option<Relist>,
}

/// Why everything is listed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relist {
    /// This mailbox was never read.
    First,
    /// UIDVALIDITY is another one.
    Changed,
    /// The server names none. Its UIDs mean nothing in the next session.
    Nameless,
    /// UIDNEXT went down, which it never may: the mailbox was restored, most likely.
    Decreased,
}

impl Relist {
    /// In words.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::First => "it was never read",
            Self::Changed => "its UIDVALIDITY changed",
            Self::Nameless => "the server gives it no UIDVALIDITY",
            Self::Decreased => "its UIDNEXT went down",
        }
    }
}

/// Where reading begins, by what the ledger and SELECT say. `session` is a number that no session before had: it stands in for a
/// UIDVALIDITY that is missing.
pub(crate) fn start(stored: Option<Cursor>, selected: Selected, session: u32) -> StartPoint {
    let from_the_first = |uid_validity, why| StartPoint {
        cursor: Cursor {
            uid_validity,
            uid_next: 1,
        },
        relist: Some(why),
    };
    let Some(uid_validity) = selected.uid_validity else {
        return from_the_first(session, Relist::Nameless);
    };
    match stored {
        None => from_the_first(uid_validity, Relist::First),
        Some(stored) if stored.uid_validity != uid_validity => from_the_first(uid_validity, Relist::Changed),
        Some(stored) if selected.uid_next.is_some_and(|next| next < stored.uid_next) => {
            from_the_first(uid_validity, Relist::Decreased)
        }
        Some(cursor) => StartPoint { cursor, relist: None },
    }
}

/// A mail in a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListedUid {
    pub(crate) uid: u32,
    /// RFC822.SIZE, where it is told: a hint, since Exchange estimates it (2026).
    pub(crate) size: Option<u32>,
}

/// Mails that are received and committed together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UidBatch {
    /// Those that come in one FETCH, ascending.
    pub(crate) small: Vec<u32>,
    /// Those that come in pieces, ascending.
    pub(crate) large: Vec<u32>,
}

impl UidBatch {
    /// The cursor's UID after this portion.
    pub(crate) fn next(&self) -> u32 {
        let last = self.small.last().max(self.large.last()).copied().unwrap_or(0);
        last.saturating_add(1)
    }
}

/// The first mails of a listing, ascending and each once, and whether there are more in it.
///
/// Mails below `from` are left out: the answer to `n:*` has the last mail even where its UID is below n (RFC 9051 section 6.4.8).
pub(crate) fn lowest(mut listed: Vec<ListedUid>, from: u32, most: usize) -> (Vec<ListedUid>, bool) {
    listed.retain(|mail| mail.uid >= from);
    listed.sort_unstable_by_key(|mail| mail.uid);
    listed.dedup_by_key(|mail| mail.uid);
    let more = listed.len() > most;
    listed.truncate(most);
    (listed, more)
}

/// A listing in portions, ascending: whoever has one and all before it has every mail up to its last.
pub(crate) fn portions(listed: Vec<ListedUid>) -> Vec<UidBatch> {
    let mut portions: Vec<UidBatch> = Vec::new();
    let (mut mails, mut bytes) = (MAILS, BYTES);
    for mail in listed {
        if mails >= MAILS || bytes >= BYTES {
            portions.push(UidBatch::default());
            (mails, bytes) = (0, 0);
        }
        let Some(portion) = portions.last_mut() else { continue };
        // One whose size isn't told may be large.
        if mail.size.is_some_and(|size| size <= SMALL) {
            portion.small.push(mail.uid);
        } else {
            portion.large.push(mail.uid);
        }
        mails += 1;
        bytes += u64::from(mail.size.unwrap_or(SMALL));
    }
    portions
}

#[cfg(test)]
#[path = "cursor_tests.rs"]
mod tests;
