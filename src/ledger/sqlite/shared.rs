//! What the writer and its callers share in memory: bells, and the bytes of mails that were taken just now.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;

use crate::ledger::{Error, MailId, MailboxKey, counts::Unwritable};

/// Bytes of fresh mails that are kept for their first reader.
const FRESH: usize = 16 << 20;

/// How often the log repeats that the ledger can't be written.
const REMIND: TimeDelta = TimeDelta::minutes(1);

/// What is known of why nothing can be written.
struct WriteFailure {
    what: Unwritable,
    /// When the log last said so.
    told: DateTime<Utc>,
    /// Whether the file is damaged: a write that goes well elsewhere in it mends nothing.
    damaged: bool,
}

/// Bells, fresh mails, and whether the ledger can be written.
#[derive(Default)]
pub(in crate::ledger) struct Shared {
    bells: Mutex<HashMap<MailboxKey, Arc<Notify>>>,
    fresh: Mutex<Fresh>,
    changed_outside: Arc<Notify>,
    /// Since when and why nothing can be written, and when the log last said so.
    unwritable: Mutex<Option<WriteFailure>>,
    /// That the file is not there any more.
    lost: Mutex<Option<Error>>,
}

impl Shared {
    /// The mailbox's bell.
    pub(in crate::ledger) fn settle_due(&self, mailbox: &MailboxKey) -> Arc<Notify> {
        lock(&self.bells).entry(mailbox.clone()).or_default().clone()
    }

    /// Rings; a watcher that does not listen right now hears it when it does.
    pub(in crate::ledger) fn ring(&self, mailboxes: &HashSet<MailboxKey>) {
        let bells = lock(&self.bells);
        mailboxes
            .iter()
            .filter_map(|mailbox| bells.get(mailbox))
            .for_each(|bell| bell.notify_one());
    }

    /// Rings all bells: another process changed something.
    pub(in crate::ledger) fn ring_all(&self) {
        lock(&self.bells).values().for_each(|bell| bell.notify_one());
    }

    /// Rings when another process changed something.
    pub(in crate::ledger) fn changed_outside(&self) -> Arc<Notify> {
        self.changed_outside.clone()
    }

    /// Keeps bytes for their first reader.
    pub(in crate::ledger) fn keep(&self, mails: Vec<(MailId, Bytes)>) {
        if !mails.is_empty() {
            lock(&self.fresh).keep(mails);
        }
    }

    /// Since when and why nothing can be written.
    pub(in crate::ledger) fn unwritable(&self) -> Option<Unwritable> {
        lock(&self.unwritable).as_ref().map(|known| known.what.clone())
    }

    /// Nothing could be written, for this reason. Whether the log should say so: at first, for another reason, and once in a while.
    pub(in crate::ledger) fn failed(&self, error: &Error, now: DateTime<Utc>) -> bool {
        let (why, full) = (error.to_string(), matches!(error, Error::Full(_)));
        let mut known = lock(&self.unwritable);
        let damaged = matches!(error, Error::Damaged(_));
        // Damage is the worse news, and a number that changes is none.
        if known.as_ref().is_some_and(|known| known.damaged && !damaged) {
            return false;
        }
        let is_same = |known: &WriteFailure| known.what.why == why || known.what.full && full || known.damaged;
        let is_told = known
            .as_ref()
            .is_some_and(|known| is_same(known) && now - known.told < REMIND);
        let before = known.take().map(|known| (known.what.since, known.told));
        let (since, told) = before.unwrap_or((now, now));
        *known = Some(WriteFailure {
            what: Unwritable { since, why, full },
            told: if is_told { told } else { now },
            damaged,
        });
        !is_told
    }

    /// Whether a commit is to show by a write of its own that writing works again. Where a disk was full, a small one shows nothing before
    /// there is room for a mail.
    pub(in crate::ledger) fn must_prove(&self, roomy: impl FnOnce() -> bool) -> bool {
        let full = lock(&self.unwritable)
            .as_ref()
            .filter(|known| !known.damaged)
            .map(|known| known.what.full);
        full.is_some_and(|full| !full || roomy())
    }

    /// A commit went well, which wrote something or did not. Since when none had, where this shows that it is over: one that wrote nothing
    /// shows nothing, nor does one for which there was room while there is none for a mail, nor one beside what is damaged.
    pub(in crate::ledger) fn committed(&self, wrote: bool, roomy: impl FnOnce() -> bool) -> Option<DateTime<Utc>> {
        let mut unwritable = lock(&self.unwritable);
        let is_over = |known: &mut WriteFailure| wrote && !known.damaged && (!known.what.full || roomy());
        unwritable.take_if(is_over).map(|known| known.what.since)
    }

    /// The file is not there any more, or another one is in its place.
    pub(in crate::ledger) fn lose(&self, why: Error) {
        *lock(&self.lost) = Some(why);
    }

    /// Whether that is so.
    pub(in crate::ledger) fn lost(&self) -> Option<Error> {
        lock(&self.lost).clone()
    }

    /// Takes the bytes that were kept for this mail.
    pub(in crate::ledger) fn take(&self, mail: MailId) -> Option<Bytes> {
        lock(&self.fresh).take(mail)
    }
}

/// Never poisoned for good: each change below leaves the value whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Default)]
struct Fresh {
    mails: HashMap<MailId, Bytes>,
    /// Oldest first; also of mails that were read since.
    order: VecDeque<MailId>,
    size: usize,
}

impl Fresh {
    fn keep(&mut self, mails: Vec<(MailId, Bytes)>) {
        for (mail, bytes) in mails {
            self.size += bytes.len();
            self.order.push_back(mail);
            self.mails.insert(mail, bytes);
        }
        while self.size > FRESH || self.order.len() > 2 * self.mails.len() + 64 {
            let Some(oldest) = self.order.pop_front() else { break };
            self.take(oldest);
        }
    }

    fn take(&mut self, mail: MailId) -> Option<Bytes> {
        let bytes = self.mails.remove(&mail)?;
        self.size -= bytes.len();
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_mails_are_bounded_and_read_once() {
        let shared = Shared::default();
        let mail = |n: i64| (MailId(n), Bytes::from(vec![0; 1 << 20]));
        shared.keep((0..20).map(mail).collect());
        assert_eq!(shared.take(MailId(3)), None, "the oldest went");
        assert_eq!(shared.take(MailId(4)).map(|b| b.len()), Some(1 << 20));
        assert_eq!(shared.take(MailId(4)), None, "read once");
        assert!(lock(&shared.fresh).size <= FRESH);
        for n in 0..10_000 {
            shared.keep(vec![(MailId(n), Bytes::from_static(b"mail"))]);
            shared.take(MailId(n));
        }
        assert!(lock(&shared.fresh).order.len() <= 128);
    }

    #[tokio::test]
    async fn a_bell_that_rang_before_is_heard() {
        let shared = Shared::default();
        let mailbox = MailboxKey("imap://a@b/INBOX".into());
        let bell = shared.settle_due(&mailbox);
        shared.ring(&HashSet::from([mailbox]));
        tokio::time::timeout(std::time::Duration::from_secs(5), bell.notified())
            .await
            .unwrap();
    }

    #[test]
    fn the_log_says_at_first_and_once_in_a_while_that_nothing_can_be_written() {
        let shared = Shared::default();
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        assert_eq!((shared.committed(true, || true), shared.unwritable()), (None, None));
        for (why, seconds, said) in [
            ("busy", 0, true),
            ("busy", 59, false),
            ("busy", 60, true),
            ("busy", 61, false),
            ("lost", 62, true),
        ] {
            let error = Error::Engine(why.to_owned());
            assert_eq!(shared.failed(&error, at(seconds)), said, "{why} {seconds}");
        }
        let known = shared.unwritable().unwrap();
        assert!(known.since == at(0) && known.why.contains("lost"), "{known:?}");
        assert!(shared.must_prove(|| false));
        assert_eq!(shared.committed(false, || true), None);
        assert!(shared.unwritable().is_some(), "nothing was written");
        assert_eq!(
            (shared.committed(true, || false), shared.unwritable()),
            (Some(at(0)), None)
        );
        assert!(!shared.must_prove(|| true));
    }

    #[test]
    fn only_a_change_shows_that_a_disk_has_room_again() {
        let shared = Shared::default();
        assert!(shared.failed(&Error::Full("full".to_owned()), DateTime::UNIX_EPOCH));
        let again = Error::Full("fuller".to_owned());
        assert!(!shared.failed(&again, DateTime::UNIX_EPOCH), "told already");
        assert!(!shared.must_prove(|| false) && shared.must_prove(|| true));
        assert_eq!(shared.committed(false, || true), None);
        assert_eq!(
            shared.committed(true, || false),
            None,
            "a small one fits in what is left"
        );
        assert!(shared.unwritable().unwrap().why.contains("fuller"));
        assert_eq!(shared.committed(true, || true), Some(DateTime::UNIX_EPOCH));
    }

    #[test]
    fn no_write_mends_what_is_damaged() {
        let shared = Shared::default();
        assert!(shared.failed(&Error::Engine("busy".to_owned()), DateTime::UNIX_EPOCH));
        assert!(shared.failed(&Error::Damaged("malformed".to_owned()), DateTime::UNIX_EPOCH));
        assert!(!shared.failed(&Error::Full("full".to_owned()), DateTime::UNIX_EPOCH));
        assert!(!shared.must_prove(|| true));
        assert_eq!(shared.committed(true, || true), None);
        assert!(shared.unwritable().unwrap().why.contains("damaged"));
    }
}
