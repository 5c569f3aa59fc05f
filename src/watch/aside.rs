//! What servers refused of last touches: so that the others go on, and a copy that was made isn't made again. Pure: time is an argument.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    backoff::Backoff,
    error::{Refusal, Verdict},
};
use crate::ledger::Settling;

/// Whether a mail was refused by itself, or with others of which one may be to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RefusalScope {
    Alone,
    Together,
}

/// The mails of one mailbox that wait for another try.
#[derive(Debug, Default)]
pub(super) struct DeferredMails {
    uid_validity: u32,
    refused: BTreeMap<u32, RefusalScope>,
    /// Nothing that was refused is tried before.
    after: Option<Instant>,
    failures: Backoff,
    copied: Copied,
}

/// Mails that were copied to a mailbox, by its name, and couldn't be deleted where they were.
#[derive(Debug, Default)]
pub(super) struct Copied(HashMap<String, BTreeSet<u32>>);

impl DeferredMails {
    /// Of the mailbox as it is now numbered.
    pub(super) fn numbered(&mut self, uid_validity: u32) -> &mut Self {
        if self.uid_validity != uid_validity {
            *self = Self {
                uid_validity,
                ..Self::default()
            };
        }
        self
    }

    /// When what was refused is tried again.
    pub(super) fn again(&self) -> Option<Instant> {
        self.after.filter(|_| !self.refused.is_empty())
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.refused.len()
    }

    /// Takes out what is to be tried again; nothing before its time.
    pub(super) fn take(&mut self, now: Instant) -> Option<BTreeMap<u32, RefusalScope>> {
        let waits = self.after.is_some_and(|after| now < after);
        (!waits).then(|| std::mem::take(&mut self.refused))
    }

    /// Those of the mails that are tried now: those that were never refused, then those that were refused with others, at last those
    /// that were refused alone.
    pub(super) fn tried(&self, due: Vec<Settling>, before: &BTreeMap<u32, RefusalScope>) -> [Vec<Settling>; 3] {
        let mut tried = <[Vec<Settling>; 3]>::default();
        let [new, together, alone] = &mut tried;
        for mail in due {
            let uid = mail.place.uid;
            match (self.refused.contains_key(&uid), before.get(&uid)) {
                (true, _) => {}
                (false, None) => new.push(mail),
                (false, Some(RefusalScope::Together)) => together.push(mail),
                (false, Some(RefusalScope::Alone)) => alone.push(mail),
            }
        }
        tried
    }

    /// Sets mails aside.
    pub(super) fn put(&mut self, refused: BTreeMap<u32, RefusalScope>) {
        self.refused.extend(refused);
    }

    /// Mails had their touch.
    pub(super) fn touched(&mut self, uids: &[u32]) {
        for uid in uids {
            self.refused.remove(uid);
        }
        self.copied.forget(uids);
    }

    /// A pass is over, in which this was refused; `again`: what was refused before was tried again.
    pub(super) fn over(&mut self, refusal: Option<Refusal>, again: bool, now: Instant, chance: f64) {
        match refusal {
            Some(answer) if again => {
                let wait = self
                    .failures
                    .after(Verdict::SlowDown, Duration::ZERO, answer.patience(), chance);
                self.after = Some(now + wait);
            }
            Some(_) => {}
            None if self.refused.is_empty() => (self.after, self.failures) = (None, Backoff::default()),
            None => {}
        }
    }

    pub(super) fn copied(&mut self) -> &mut Copied {
        &mut self.copied
    }
}

impl Copied {
    /// Those that are still to be copied there.
    pub(super) fn missing(&self, target: &str, uids: &[u32]) -> Vec<u32> {
        let there = self.0.get(target);
        let missing = uids.iter().filter(|uid| there.is_none_or(|there| !there.contains(uid)));
        missing.copied().collect()
    }

    /// They were copied there.
    pub(super) fn add(&mut self, target: &str, uids: &[u32]) {
        self.0.entry(target.to_owned()).or_default().extend(uids);
    }

    fn forget(&mut self, uids: &[u32]) {
        for there in self.0.values_mut() {
            for uid in uids {
                there.remove(uid);
            }
        }
        self.0.retain(|_, there| !there.is_empty());
    }
}
