//! Who may run beside whom: slots for jobs, shared fairly by all endpoints. `rule` decides; here one waits.
//!
//! A slot is had before a job is claimed, so a job that waits for one is queued: it counts no attempt, and it is not interrupted when the
//! process ends.

mod rule;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use self::rule::{Id, Rule, Ticket};
pub use self::rule::{Size, SlotKind};

/// The slots of all endpoints.
#[derive(Debug, Clone)]
pub struct Slots(Arc<Mutex<SlotTable>>);

#[derive(Debug)]
struct SlotTable {
    rule: Rule,
    waiting: Vec<SlotWaiter>,
}

#[derive(Debug)]
struct SlotWaiter {
    ticket: Ticket,
    member: Arc<Member>,
    tell: oneshot::Sender<Slot>,
}

/// An endpoint's quota of the slots. It counts as an endpoint as long as this or one of its slots is there.
#[derive(Debug, Clone)]
pub struct Quota(Arc<Member>);

#[derive(Debug)]
struct Member {
    slots: Slots,
    id: Id,
}

/// A job's slot, given back when this is dropped.
#[derive(Debug)]
pub struct Slot(Arc<Member>);

impl Slots {
    /// So many slots for jobs, and so many for those of them that are commands.
    #[must_use]
    pub fn new(jobs: Size, commands: Size) -> Self {
        Self(Arc::new(Mutex::new(SlotTable {
            rule: Rule::new(jobs, commands),
            waiting: Vec::new(),
        })))
    }

    /// An endpoint comes, which never runs more than `most` at once.
    #[must_use]
    pub fn join(&self, kind: SlotKind, most: usize) -> Quota {
        let id = self.change(|state| state.rule.join(kind, most));
        let slots = self.clone();
        Quota(Arc::new(Member { slots, id }))
    }

    fn state(&self) -> MutexGuard<'_, SlotTable> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something, and gives those who wait what they may have then.
    fn change<T>(&self, change: impl FnOnce(&mut SlotTable) -> T) -> T {
        let mut state = self.state();
        let changed = change(&mut state);
        let mut granted = Vec::new();
        while let Some(ticket) = state.rule.grant() {
            let found = state.waiting.iter().position(|waiter| waiter.ticket == ticket);
            granted.extend(found.map(|at| state.waiting.swap_remove(at)));
        }
        // Told without the lock: who does not wait any more gives its slot back here and now.
        drop(state);
        for SlotWaiter { member, tell, .. } in granted {
            drop(tell.send(Slot(member)));
        }
        changed
    }
}

impl Quota {
    /// Waits for a slot. Those who run nothing come first, then those who run least.
    ///
    /// Dropping the future gives up the wait.
    pub async fn slot(&self) -> Slot {
        loop {
            let (tell, told) = oneshot::channel();
            let member = self.0.clone();
            let ticket = self.0.slots.change(|state| {
                let ticket = state.rule.ask(member.id);
                state.waiting.push(SlotWaiter { ticket, member, tell });
                ticket
            });
            let _waits = SlotWait {
                slots: &self.0.slots,
                ticket,
            };
            if let Ok(slot) = told.await {
                return slot;
            }
        }
    }

    /// As many slots as may be had now, and no more than `most`.
    #[must_use]
    pub fn take(&self, most: usize) -> Vec<Slot> {
        let taken = self.0.slots.state().rule.take(self.0.id, most);
        (0..taken).map(|_| Slot(self.0.clone())).collect()
    }
}

/// Somebody's wait, which ends with it.
struct SlotWait<'a> {
    slots: &'a Slots,
    ticket: Ticket,
}

impl Drop for SlotWait<'_> {
    fn drop(&mut self) {
        let mut state = self.slots.state();
        state.rule.withdraw(self.ticket);
        let found = state.waiting.iter().position(|waiter| waiter.ticket == self.ticket);
        let waiter = found.map(|at| state.waiting.swap_remove(at));
        drop(state);
        drop(waiter);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.slots.change(|state| state.rule.give_back(self.0.id));
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.slots.change(|state| state.rule.leave(self.id));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn slots(jobs: usize, commands: usize) -> Slots {
        Slots::new(Size::Exactly(jobs), Size::Exactly(commands))
    }

    #[tokio::test]
    async fn who_waits_gets_what_another_gives_back() {
        let slots = slots(1, 1);
        let (a, b) = (slots.join(SlotKind::Webhook, 9), slots.join(SlotKind::Webhook, 9));
        let held = a.slot().await;
        let mut waits = Box::pin(b.slot());
        assert!(waits.as_mut().now_or_never().is_none());
        assert!(b.take(9).is_empty());
        drop(held);
        let got = waits.await;
        assert!(a.take(9).is_empty());
        drop(got);
        assert_eq!(a.take(9).len(), 1);
    }

    #[tokio::test]
    async fn who_gives_up_waiting_leaves_nothing_behind() {
        let slots = slots(1, 1);
        let (a, b) = (slots.join(SlotKind::Webhook, 9), slots.join(SlotKind::Webhook, 9));
        let held = a.slot().await;
        assert!(b.slot().now_or_never().is_none(), "dropped while it waits");
        let mut granted = Box::pin(b.slot());
        assert!(granted.as_mut().now_or_never().is_none());
        drop(held);
        // Granted, and dropped without having been looked at.
        drop(granted);
        assert_eq!(a.take(9).len(), 1);
        assert!(slots.state().waiting.is_empty());
    }

    #[tokio::test]
    async fn an_endpoint_that_leaves_counts_until_its_last_job_has_ended() {
        let slots = Slots::new(Size::Beside(1), Size::Beside(1));
        let (a, b) = (slots.join(SlotKind::Webhook, 9), slots.join(SlotKind::Webhook, 9));
        let held = a.take(9);
        drop(a);
        let own = b.take(9);
        assert_eq!(
            (held.len(), own.len()),
            (1, 1),
            "three slots for two endpoints, of which one stays free"
        );
        let mut waits = Box::pin(b.slot());
        assert!(waits.as_mut().now_or_never().is_none());
        drop(held);
        let second = waits.await;
        assert!(b.slot().now_or_never().is_none(), "two slots for one endpoint");
        drop((own, second));
    }
}
