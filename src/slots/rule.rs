//! Who gets a slot: pure.
//!
//! 1. Never more run at once than there are slots.
//! 2. An endpoint that runs nothing gets a slot as long as one is free. It comes before all others, the longest wait first.
//! 3. One that runs something already gets another only where, after that, as many slots are free as it holds then (so nobody holds more
//!    than half of what the others leave), and one stays free for each endpoint that runs nothing: for as many of them as there are kept
//!    slots ([`Size`]). Who holds least comes first.
//! 4. An endpoint that is the only one gets all slots.
//!
//! By 2 and 3 the first job of an endpoint never waits for another's, where there is a kept slot for each endpoint. Where there are more
//! endpoints than that, and all slots are held, it waits for as many jobs to end as wait before it, and one. Each job of a command has
//! a slot of the jobs and one of the commands, both at once.

use std::collections::BTreeMap;

/// How many slots there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// So many, as an operator wrote; half of them are kept.
    Exactly(usize),
    /// So many that all share, and beside them one for each endpoint, which is kept.
    Beside(usize),
}

impl Size {
    /// How many slots there are where so many share them.
    #[must_use]
    pub fn slots(self, members: usize) -> usize {
        self.of(members).0
    }

    /// How many slots there are, and how many of them are kept for those who run nothing.
    fn of(self, members: usize) -> (usize, usize) {
        match self {
            Self::Exactly(all) => (all, all / 2),
            Self::Beside(shared) => (shared.saturating_add(members), members),
        }
    }
}

/// What an endpoint's jobs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotKind {
    /// Requests.
    Webhook,
    /// Processes: of these there are fewer.
    Command,
}

/// Which endpoint.
pub(super) type Id = u64;
/// Which wait.
pub(super) type Ticket = u64;

/// The slots of one kind.
#[derive(Debug)]
struct SlotPool {
    size: Size,
    members: usize,
    /// Those that hold nothing.
    idle: usize,
    held: usize,
}

impl SlotPool {
    fn new(size: Size) -> Self {
        Self {
            size,
            members: 0,
            idle: 0,
            held: 0,
        }
    }

    /// Whether one that holds so many may have another.
    fn lets(&self, holds: usize) -> bool {
        let (all, kept) = self.size.of(self.members);
        let Some(left) = all.checked_sub(self.held + 1) else {
            return false;
        };
        holds == 0 || self.members == 1 || left >= (holds + 1).max(kept.min(self.idle))
    }
}

#[derive(Debug)]
struct SlotHolder {
    kind: SlotKind,
    most: usize,
    holds: usize,
}

/// Who holds how many slots, and who waits.
#[derive(Debug)]
pub(super) struct Rule {
    jobs: SlotPool,
    commands: SlotPool,
    endpoints: BTreeMap<Id, SlotHolder>,
    waiting: BTreeMap<Ticket, Id>,
    /// The next number of an endpoint or a wait.
    next: u64,
}

impl Rule {
    pub(super) fn new(jobs: Size, commands: Size) -> Self {
        Self {
            jobs: SlotPool::new(jobs),
            commands: SlotPool::new(commands),
            endpoints: BTreeMap::new(),
            waiting: BTreeMap::new(),
            next: 0,
        }
    }

    /// An endpoint comes. It never gets more than `most` slots, one at least.
    pub(super) fn join(&mut self, kind: SlotKind, most: usize) -> Id {
        let (id, most) = (self.number(), most.max(1));
        self.endpoints.insert(id, SlotHolder { kind, most, holds: 0 });
        for pool in self.pools(kind) {
            pool.members += 1;
            pool.idle += 1;
        }
        id
    }

    /// An endpoint that holds nothing goes.
    pub(super) fn leave(&mut self, id: Id) {
        self.waiting.retain(|_, waiting| *waiting != id);
        if let Some(endpoint) = self.endpoints.remove(&id) {
            for pool in self.pools(endpoint.kind) {
                pool.members = pool.members.saturating_sub(1);
                pool.idle = pool.idle.saturating_sub(usize::from(endpoint.holds == 0));
                pool.held = pool.held.saturating_sub(endpoint.holds);
            }
        }
    }

    /// An endpoint waits for a slot.
    pub(super) fn ask(&mut self, id: Id) -> Ticket {
        let ticket = self.number();
        self.waiting.insert(ticket, id);
        ticket
    }

    /// It does not wait any more.
    pub(super) fn withdraw(&mut self, ticket: Ticket) {
        self.waiting.remove(&ticket);
    }

    /// Whose wait ends now, if anybody's: it holds a slot then. To be asked until there is none.
    pub(super) fn grant(&mut self) -> Option<Ticket> {
        let may = self.waiting.iter().filter(|(_, id)| self.may(**id));
        let next = may.min_by_key(|(ticket, id)| (self.holds(**id), **ticket));
        let (ticket, id) = next.map(|(ticket, id)| (*ticket, *id))?;
        self.waiting.remove(&ticket);
        self.give(id);
        Some(ticket)
    }

    /// Gives an endpoint as many slots as it may have now, `most` at most. Who waits is not passed over: nobody waits for what may be had.
    pub(super) fn take(&mut self, id: Id, most: usize) -> usize {
        let mut taken = 0;
        while taken < most && self.may(id) {
            self.give(id);
            taken += 1;
        }
        taken
    }

    /// An endpoint gives back a slot.
    pub(super) fn give_back(&mut self, id: Id) {
        let Some(endpoint) = self.endpoints.get_mut(&id).filter(|endpoint| endpoint.holds > 0) else {
            return;
        };
        endpoint.holds -= 1;
        let (kind, idle) = (endpoint.kind, usize::from(endpoint.holds == 0));
        for pool in self.pools(kind) {
            pool.held = pool.held.saturating_sub(1);
            pool.idle += idle;
        }
    }

    fn give(&mut self, id: Id) {
        let Some(endpoint) = self.endpoints.get_mut(&id) else {
            return;
        };
        let (kind, was_idle) = (endpoint.kind, usize::from(endpoint.holds == 0));
        endpoint.holds += 1;
        for pool in self.pools(kind) {
            pool.held += 1;
            pool.idle = pool.idle.saturating_sub(was_idle);
        }
    }

    fn may(&self, id: Id) -> bool {
        self.endpoints.get(&id).is_some_and(|SlotHolder { kind, most, holds }| {
            let commands = *kind == SlotKind::Webhook || self.commands.lets(*holds);
            holds < most && commands && self.jobs.lets(*holds)
        })
    }

    fn holds(&self, id: Id) -> usize {
        self.endpoints.get(&id).map_or(0, |endpoint| endpoint.holds)
    }

    /// The slots that each job of this kind takes one of.
    fn pools(&mut self, kind: SlotKind) -> impl Iterator<Item = &mut SlotPool> {
        let commands = (kind == SlotKind::Command).then_some(&mut self.commands);
        std::iter::once(&mut self.jobs).chain(commands)
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

#[cfg(test)]
#[path = "rule_tests.rs"]
mod tests;
