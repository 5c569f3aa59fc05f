//! Who waits for work: one queue of claims for each endpoint or account, served inside the writer's transaction.
//!
//! Nobody polls. A claim is looked at when it comes, when something happened to its endpoint, and when the next job there is
//! due. A claim that was dropped before the commit has claimed nothing; one dropped later gives its jobs back by itself.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    hash::Hash,
    sync::Arc,
};

use tokio::sync::oneshot;

use crate::{
    ledger::{
        Error,
        db::SqlEngine,
        lease::LeaseHolder,
        rules::transaction::{Transaction, savepoint},
    },
    slots::{Quota, Slot},
};

/// Microseconds until claims that could not be served because the engine failed are tried again.
const AGAIN: i64 = 1_000_000;

/// Something that one worker at a time takes.
pub(in crate::ledger) trait Claimable: Sized + Send + 'static {
    /// Whose work it is.
    type Key: Clone + Ord + Hash + Send + 'static;

    /// Claims up to `max` that are due, oldest first.
    fn claim(tx: &Transaction<'_>, key: &Self::Key, max: usize) -> Result<Vec<Self>, Error>;

    /// When the next one that is not due yet will be.
    fn next_due(db: &dyn SqlEngine, key: &Self::Key, now: i64) -> Result<Option<i64>, Error>;

    /// Gives it back; the attempt does not count.
    fn release(&self, tx: &mut Transaction<'_>) -> Result<(), Error>;
}

/// A claim that waits.
pub(in crate::ledger) struct ClaimWaiter<T: Claimable> {
    pub(in crate::ledger) key: T::Key,
    pub(in crate::ledger) most: ClaimLimit,
    pub(in crate::ledger) tell: oneshot::Sender<Result<PendingClaim<T>, Error>>,
}

/// How much a claim takes.
pub(in crate::ledger) enum ClaimLimit {
    /// So many.
    Items(usize),
    /// One for each slot: the first claim has one with it.
    Slots(Quota, Option<Slot>),
}

impl ClaimLimit {
    /// How many may be claimed now, and their slots.
    fn now(&mut self) -> (usize, Vec<Slot>) {
        match self {
            Self::Items(max) => (*max, Vec::new()),
            Self::Slots(quota, first) => {
                let mut slots = Vec::from_iter(first.take());
                slots.extend(quota.take(usize::MAX));
                (slots.len(), slots)
            }
        }
    }
}

/// What was claimed, until somebody takes it; dropped before that, it is given back.
pub(in crate::ledger) struct PendingClaim<T: Claimable> {
    items: Vec<T>,
    slots: Vec<Slot>,
    back: GiveBack<T>,
}

/// Gives back what nobody took.
pub(in crate::ledger) type GiveBack<T> = Arc<dyn Fn(Vec<T>) + Send + Sync>;

impl<T: Claimable> PendingClaim<T> {
    /// Takes what was claimed, and the slots for it.
    pub(in crate::ledger) fn accept(mut self) -> (Vec<T>, Vec<Slot>) {
        (std::mem::take(&mut self.items), std::mem::take(&mut self.slots))
    }
}

impl<T: Claimable> Drop for PendingClaim<T> {
    fn drop(&mut self) {
        let items = std::mem::take(&mut self.items);
        if !items.is_empty() {
            (self.back)(items);
        }
    }
}

/// Who waited, and what was claimed for it, with its slots.
type ServedClaim<T> = (ClaimWaiter<T>, Result<Vec<T>, Error>, Vec<Slot>);

/// All claims of one kind that wait.
pub(in crate::ledger) struct ClaimQueue<T: Claimable> {
    waiting: HashMap<T::Key, VecDeque<ClaimWaiter<T>>>,
    /// When somebody's next work is due.
    alarms: BTreeSet<(i64, T::Key)>,
    /// Whose claims are looked at in this batch.
    roused: BTreeSet<T::Key>,
    /// Who gets what, once it is durable.
    served: Vec<ServedClaim<T>>,
    back: GiveBack<T>,
}

impl<T: Claimable> ClaimQueue<T> {
    pub(in crate::ledger) fn new(back: GiveBack<T>) -> Self {
        Self {
            waiting: HashMap::new(),
            alarms: BTreeSet::new(),
            roused: BTreeSet::new(),
            served: Vec::new(),
            back,
        }
    }

    /// The earliest time at which a waiting claim may be served.
    pub(in crate::ledger) fn alarm(&self) -> Option<i64> {
        self.alarms.first().map(|(due, _)| *due)
    }

    /// A claim comes.
    pub(in crate::ledger) fn join(&mut self, waiter: ClaimWaiter<T>) {
        self.roused.insert(waiter.key.clone());
        let queue = self.waiting.entry(waiter.key.clone()).or_default();
        queue.retain(|other| !other.tell.is_closed());
        queue.push_back(waiter);
    }

    /// Something happened to these: their claims are looked at in this batch.
    pub(in crate::ledger) fn rouse<'a>(&mut self, keys: impl Iterator<Item = &'a T::Key>, everyone: bool) {
        if everyone {
            self.roused.extend(self.waiting.keys().cloned());
        }
        self.roused
            .extend(keys.filter(|key| self.waiting.contains_key(key)).cloned());
    }

    /// Claims what is due for those who wait, in the batch's transaction.
    pub(in crate::ledger) fn serve(&mut self, db: &dyn SqlEngine, now: i64, holder: &LeaseHolder) -> Result<(), Error> {
        while let Some((due, key)) = self.alarms.pop_first() {
            if due > now {
                self.alarms.insert((due, key));
                break;
            }
            self.roused.insert(key);
        }
        while let Some(key) = self.roused.first().cloned() {
            self.serve_key(db, &key, now, holder)?;
            self.roused.remove(&key);
        }
        Ok(())
    }

    fn serve_key(&mut self, db: &dyn SqlEngine, key: &T::Key, now: i64, holder: &LeaseHolder) -> Result<(), Error> {
        let Some(queue) = self.waiting.get_mut(key) else {
            return Ok(());
        };
        while let Some(mut waiter) = queue.pop_front() {
            if waiter.tell.is_closed() {
                continue;
            }
            let (max, mut slots) = waiter.most.now();
            if max == 0 {
                self.served.push((waiter, Ok(Vec::new()), slots));
                continue;
            }
            let mut claimed = Ok(Vec::new());
            let stood = savepoint(db, now, holder, |tx| {
                claimed = T::claim(tx, key, max);
                claimed.as_ref().map(drop).map_err(Clone::clone)
            });
            if stood.is_ok() && claimed.as_ref().is_ok_and(Vec::is_empty) {
                queue.push_front(waiter);
                break;
            }
            slots.truncate(claimed.as_ref().map_or(0, Vec::len));
            self.served.push((waiter, claimed, slots));
            stood?;
        }
        if queue.is_empty() {
            self.waiting.remove(key);
        } else if let Some(due) = T::next_due(db, key, now)? {
            self.alarms.insert((due, key.clone()));
        }
        Ok(())
    }

    /// The batch is durable: hands out what was claimed. What nobody takes comes back by [`PendingClaim`]'s drop.
    pub(in crate::ledger) fn deliver(&mut self) {
        for (waiter, claimed, slots) in self.served.drain(..) {
            let claim = claimed.map(|items| PendingClaim {
                items,
                slots,
                back: self.back.clone(),
            });
            drop(waiter.tell.send(claim));
        }
    }

    /// The batch failed: everybody waits again, and is looked at a little later.
    pub(in crate::ledger) fn restore(&mut self, now: i64) {
        for (waiter, _, _slots) in self.served.drain(..).rev() {
            self.roused.insert(waiter.key.clone());
            self.waiting.entry(waiter.key.clone()).or_default().push_front(waiter);
        }
        let again = std::mem::take(&mut self.roused)
            .into_iter()
            .map(|key| (now + AGAIN, key));
        self.alarms.extend(again);
    }
}
