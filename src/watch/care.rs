//! Mails that can't be fetched by IMAP: the others pass them by, and they are given up in the end. Pure: time is an argument.
//!
//! A mail may break the session whenever it's fetched: the server answers NO or falls over, or what it says can't be read. It must not
//! stand in the way of those behind it, and must not be forgotten:
//!
//! - What was asked for when a session broke is suspected. Suspects are asked for by themselves, behind all others.
//! - One that is refused, or over which sessions break again and again, is left alone for a while.
//! - One that never comes becomes a job that is held, and stays where it is. That takes longer where a server gives nothing at all.
//!
//! The cursor stays before them meanwhile. What was taken behind it is remembered, so that it isn't fetched again.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    cursor::ListedUid,
    error::{WatchError, Words},
    sizes::Sizes,
    taker::MailMetadata,
};
use crate::ledger::Cursor;

/// What a mail may weigh before it's given up …
pub(super) const TOO_MUCH: u32 = 9;
/// … when a failure is the server's word on it …
pub(super) const ANSWERED: u32 = 3;
/// … or a connection that broke, which may be anybody's fault.
const BROKE: u32 = 1;
/// How long a mail is left alone by what it weighs: from [`ANNOYING`] on, and from twice that.
const REST: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(30)];
const ANNOYING: u32 = ANSWERED;
/// A server that refuses more mails than these, and gives no others, may be in trouble: that long nothing is given up.
const FEW: usize = 3;
const TROUBLE: Duration = Duration::from_secs(480);
/// So many mails that are refused one after the other end the session: the server is left alone.
const IN_A_ROW: u32 = 16;
/// Mails that are asked for by themselves after a session broke over mails of which nobody knew the UIDs.
const NEWS: usize = 32;

/// What a failure weighs for the mail that was being received; `None` where it's nobody's fault.
pub(super) fn weight(error: &WatchError) -> Option<u32> {
    match error {
        WatchError::Refused { .. }
        | WatchError::Undelivered { .. }
        | WatchError::Protocol(_)
        | WatchError::Odd { .. }
        | WatchError::Early { .. }
        | WatchError::Unreadable(_) => Some(ANSWERED),
        WatchError::Bye(_)
        | WatchError::Closed
        | WatchError::Io(_)
        | WatchError::Silent(_)
        | WatchError::Endless { .. }
        | WatchError::Flood { .. } => Some(BROKE),
        WatchError::BareEnd
        | WatchError::Ungreeted
        | WatchError::Net(_)
        | WatchError::Credential { .. }
        | WatchError::NotGreeted(_)
        | WatchError::NoMechanism(_)
        | WatchError::InUse(_)
        | WatchError::TooSoon { .. }
        | WatchError::NoUidl(_)
        | WatchError::SignIn(_)
        | WatchError::Name(_)
        | WatchError::LostLedger { .. }
        | WatchError::Forgotten
        | WatchError::Ledger(_) => None,
    }
}

/// A mail that makes trouble.
#[derive(Debug)]
struct FailingMail {
    /// Nothing, as long as it is only suspected.
    weight: u32,
    first: Instant,
    last: Instant,
    /// What happened, in words.
    why: String,
    /// What the server says of it beside its bytes.
    about: MailMetadata,
}

impl FailingMail {
    /// Until when it is left alone.
    fn rests_until(&self) -> Instant {
        let [short, long] = REST;
        self.last
            + match self.weight {
                ..ANNOYING => Duration::ZERO,
                weight if weight < 2 * ANNOYING => short,
                _ => long,
            }
    }
}

/// What is being asked for.
#[derive(Debug, Default)]
enum PendingFetch {
    #[default]
    Nothing,
    /// Whatever is new.
    News,
    /// These, as far as they did not come yet.
    Mails(BTreeSet<u32>),
}

/// What is known of a mailbox's mails that can't be fetched, and of how its server counts.
#[derive(Debug, Default)]
pub(super) struct FetchFailures {
    pub(super) sizes: Sizes,
    /// As far as all is taken.
    cursor: Option<Cursor>,
    troubles: BTreeMap<u32, FailingMail>,
    asking: PendingFetch,
    /// What came in this look, and is not committed for certain.
    came: Vec<u32>,
    /// What is committed and lies behind the cursor, which could not follow.
    taken: BTreeSet<u32>,
    /// So many mails of the next listing are suspected.
    suspects: usize,
    /// The mails that were refused since one came.
    in_a_row: u32,
    /// When a mail last came.
    came_at: Option<Instant>,
    /// The last look failed.
    failed: bool,
}

impl FetchFailures {
    /// A session begins there. UIDs that begin anew are those of other mails.
    pub(super) fn begins(&mut self, cursor: Cursor) {
        let goes_on = |before: Cursor| before.uid_validity == cursor.uid_validity && before.uid_next <= cursor.uid_next;
        if !self.cursor.is_some_and(goes_on) {
            self.taken.clear();
        }
        self.cursor = Some(cursor);
    }

    /// Whether mails are to be listed before they are asked for.
    pub(super) fn lists(&self) -> bool {
        self.suspects > 0 || !self.troubles.is_empty()
    }

    /// Whether the last look failed. Says so once.
    pub(super) fn take_failed(&mut self) -> bool {
        std::mem::take(&mut self.failed)
    }

    /// What is new is asked for.
    pub(super) fn asks_news(&mut self) {
        self.asking = PendingFetch::News;
    }

    /// These mails are asked for.
    pub(super) fn asks(&mut self, uids: impl IntoIterator<Item = u32>) {
        self.asking = PendingFetch::Mails(uids.into_iter().collect());
    }

    /// A mail came.
    pub(super) fn came(&mut self, uid: u32, now: Instant) {
        (self.in_a_row, self.came_at) = (0, Some(now));
        self.over(uid);
    }

    /// A mail is gone, given up, or came.
    pub(super) fn over(&mut self, uid: u32) {
        if let PendingFetch::Mails(uids) = &mut self.asking {
            uids.remove(&uid);
        }
        self.troubles.remove(&uid);
        self.came.push(uid);
    }

    /// What came of it is of no use, and it is asked for again.
    pub(super) fn came_in_vain(&mut self, uid: u32) {
        self.came.retain(|came| *came != uid);
    }

    /// The server does not give a mail. Says whether the session can go on.
    pub(super) fn refused(&mut self, uid: u32, why: &Words, about: MailMetadata, now: Instant) -> bool {
        self.asking = PendingFetch::Nothing;
        self.blame(uid, ANSWERED, why.to_string(), now);
        if let Some(trouble) = self.troubles.get_mut(&uid) {
            trouble.about = about;
        }
        self.in_a_row = self.in_a_row.saturating_add(1);
        !self.in_a_row.is_multiple_of(IN_A_ROW)
    }

    fn blame(&mut self, uid: u32, weight: u32, why: String, now: Instant) {
        let trouble = self.troubles.entry(uid).or_insert_with(|| FailingMail {
            weight: 0,
            first: now,
            last: now,
            why: String::new(),
            about: MailMetadata::default(),
        });
        trouble.weight = trouble.weight.saturating_add(weight);
        (trouble.last, trouble.why) = (now, why);
    }

    /// A look ended, and the cursor is there now, if it moved. `committed`: what came is in the ledger.
    pub(super) fn looked(&mut self, cursor: Option<Cursor>, committed: bool) {
        let came = std::mem::take(&mut self.came);
        if !committed {
            return;
        }
        self.cursor = cursor.or(self.cursor);
        self.taken.extend(came);
        self.taken = self.taken.split_off(&self.cursor.map_or(1, |cursor| cursor.uid_next));
    }

    /// A look failed.
    pub(super) fn failed(&mut self, error: &WatchError, now: Instant) {
        let asking = std::mem::take(&mut self.asking);
        let weight = weight(error);
        // A ledger that takes no new mails may well note last touches, by which it gets room.
        self.failed |= weight.is_some() || matches!(error, WatchError::Ledger(_));
        let Some(weight) = weight else { return };
        match asking {
            PendingFetch::Nothing => {}
            PendingFetch::News => self.suspects = NEWS,
            PendingFetch::Mails(uids) => {
                let weight = if uids.len() == 1 { weight } else { 0 };
                for uid in uids {
                    self.blame(uid, weight, error.to_string(), now);
                }
            }
        }
    }

    /// Of all mails from one UID to another, in their order: those that are fetched together now. Those that make trouble are not among
    /// them, nor what was taken.
    pub(super) fn sort(&mut self, from: u32, to: u32, listed: &mut Vec<ListedUid>, now: Instant) {
        listed.retain(|mail| !self.taken.contains(&mail.uid));
        let there: Vec<u32> = listed.iter().map(|mail| mail.uid).collect();
        self.forget(from, to, &there);
        for uid in there.into_iter().take(std::mem::take(&mut self.suspects)) {
            self.blame(uid, 0, String::new(), now);
        }
        listed.retain(|mail| !self.troubles.contains_key(&mail.uid));
    }

    /// These are all mails from one UID to another, ascending: others make no trouble any more.
    pub(super) fn forget(&mut self, from: u32, to: u32, there: &[u32]) {
        let is_there = |uid: &u32| !(from..=to).contains(uid) || there.binary_search(uid).is_ok();
        self.troubles.retain(|uid, _| is_there(uid));
    }

    /// How many mails make trouble.
    pub(super) fn len(&self) -> usize {
        self.troubles.len()
    }

    /// Those that are left alone now.
    pub(super) fn resting(&self, now: Instant) -> BTreeSet<u32> {
        let resting = self.troubles.iter().filter(|(_, trouble)| trouble.rests_until() > now);
        resting.map(|(uid, _)| *uid).collect()
    }

    /// The cursor's UID after everything below `next` was handed over, but for what makes trouble.
    pub(super) fn cursor(&self, next: u32) -> u32 {
        let now = self.cursor.map_or(1, |cursor| cursor.uid_next);
        let first = self.troubles.range(now..).next();
        first.map_or(next, |(uid, _)| next.min(*uid))
    }

    /// The mails with trouble that are tried now: the least of it first.
    pub(super) fn due(&self, now: Instant) -> Vec<u32> {
        let due = self.troubles.iter().filter(|(_, trouble)| trouble.rests_until() <= now);
        let mut due: Vec<_> = due.map(|(uid, trouble)| (trouble.weight, *uid)).collect();
        due.sort_unstable();
        due.into_iter().map(|(_, uid)| uid).collect()
    }

    /// Whether this mail makes trouble.
    pub(super) fn has(&self, uid: u32) -> bool {
        self.troubles.contains_key(&uid)
    }

    /// When the next of them is tried.
    pub(super) fn again(&self) -> Option<Instant> {
        self.troubles.values().map(FailingMail::rests_until).min()
    }

    /// Why this mail is given up, if it is, and what the server says of it.
    pub(super) fn gives_up(&self, uid: u32, now: Instant) -> Option<(String, MailMetadata)> {
        let trouble = self.troubles.get(&uid).filter(|trouble| trouble.weight >= TOO_MUCH)?;
        let annoying = self.troubles.values().filter(|trouble| trouble.weight > 0).count();
        let gives_others = self.came_at.is_some_and(|came| came > trouble.first);
        let is_over = now >= trouble.first + TROUBLE;
        (annoying <= FEW || gives_others || is_over).then(|| (trouble.why.clone(), trouble.about))
    }

    /// The mails that the server does not give, and why it does not give one of them.
    pub(super) fn kept_back(&self) -> Option<(usize, &str)> {
        let mut annoying = self.troubles.values().filter(|trouble| trouble.weight >= ANNOYING);
        let first = annoying.next()?;
        Some((1 + annoying.count(), &first.why))
    }
}

#[cfg(test)]
#[path = "care_tests.rs"]
mod tests;
