//! Leases: who works on something, and until when. It is the same for a job, a reply, half a mail, a mailbox and a sign-in: taking it writes its
//! owner, its end, and a number that each taking raises, the fence; while whoever has it holds on to it, it is renewed, all of a kind by one
//! statement; once its end has passed, it is anybody's again. So nothing is worked on for ever by nobody, and what one works on is nobody
//! else's.
//!
//! An owner is one start of a process. Each write of his carries the fence, and is refused when it is another's. All times in the ledger are
//! the ledger's own: they move with a clock that is set (`sqlite/time`). Whoever is about to do something that can't be undone looks at
//! his own clock before, which nobody can set: [`Lease::holds`].

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use parking_lot::Mutex;

use super::clock::{Clock, ClockReading};

/// How long a job or a reply is somebody's that nobody renews, in microseconds.
pub(in crate::ledger) const TERM: i64 = 60_000_000;

/// How long an upload lasts of which no piece comes: one of them may take minutes.
pub(in crate::ledger) const UPLOAD_TERM: i64 = 3_600_000_000;

/// How long a mailbox is somebody's that nobody renews. Where one process has the ledger, that one's end is known by its lock: so it may be long,
/// and an idle process need not write often.
pub(in crate::ledger) const MAILBOX_TERM: i64 = 600_000_000;

/// How long a sign-in is: longer than a token server may take to answer, and shorter than others wait for it, so that who died over it is not
/// waited for in vain.
pub(in crate::ledger) const SIGN_IN_TERM: i64 = 45_000_000;

/// The time between two looks at leases, while anything runs.
const LOOK: i64 = 5_000_000;

/// What has less than this left of its term is renewed.
pub(in crate::ledger) const fn low(term: i64) -> i64 {
    term / 3 * 2
}

/// So long before its end nothing is begun any more that can't be undone: what is sent takes a while to be gone.
const fn margin(term: i64) -> i64 {
    term / 12
}

/// How others are told of this process.
pub(in crate::ledger) fn this_process() -> String {
    let host = rustix::system::uname();
    format!(
        "process {} on {}",
        std::process::id(),
        host.nodename().to_string_lossy()
    )
}

/// One start of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::ledger) struct Owner(pub(in crate::ledger) i64);

impl Owner {
    /// A new one. Two of a ledger are the same once in 2^62.
    pub(in crate::ledger) fn new() -> Self {
        Self(fastrand::i64(1..))
    }
}

/// Which taking of something this is. It comes with what was taken, and goes with each write about it: what was taken by another since, or
/// again by the same, has another number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub(in crate::ledger) i64);

impl Fence {
    /// Of what was never taken: every write with it is refused.
    pub const NONE: Self = Self(0);
}

/// Where something stands that one owner at a time works on: the columns `owner`, `fence` and `until` of its row. The one rule of all leases. What
/// is done to all rows of a kind at once (they are renewed, or their time is over), one statement does; a test holds it to this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger) struct Tenure {
    pub(in crate::ledger) owner: Option<Owner>,
    pub(in crate::ledger) fence: Fence,
    pub(in crate::ledger) until: i64,
}

impl Tenure {
    /// Nobody had it yet.
    pub(in crate::ledger) const NEW: Self = Self {
        owner: None,
        fence: Fence::NONE,
        until: 0,
    };

    /// As this owner has it now. It is refused while it is another's and its end has not passed; one's own is taken anew, and whoever had it
    /// before is fenced off.
    pub(in crate::ledger) fn take(self, by: Owner, now: i64, term: i64) -> Option<Self> {
        let is_free = self.until <= now || self.owner.is_none_or(|owner| owner == by);
        is_free.then_some(Self {
            owner: Some(by),
            fence: Fence(self.fence.0 + 1),
            until: now.saturating_add(term),
        })
    }

    /// Whether it is this owner's, by this taking. It may be past its end: as long as nobody else took it, it is his.
    pub(in crate::ledger) fn is_of(self, by: Owner, fence: Fence) -> bool {
        self.owner == Some(by) && self.fence == fence
    }

    /// With a new end, where it is his and little of its term is left; an end never comes nearer.
    #[cfg(test)]
    pub(in crate::ledger) fn renew(self, by: Owner, fence: Fence, now: i64, term: i64) -> Option<Self> {
        let is_low = self.until < now.saturating_add(low(term));
        (self.is_of(by, fence) && is_low).then_some(Self {
            until: now.saturating_add(term),
            ..self
        })
    }

    /// As it is once he has given it up. Its number stays, so that the next taking has a higher one.
    pub(in crate::ledger) fn give_up(self, by: Owner, fence: Fence) -> Option<Self> {
        self.is_of(by, fence).then_some(Self { owner: None, ..self })
    }

    /// As it is at this time: nobody's, where its end has passed.
    #[cfg(test)]
    pub(in crate::ledger) fn at(self, now: i64) -> Self {
        match self.until <= now {
            true => Self { owner: None, ..self },
            false => self,
        }
    }
}

/// Until when something is surely ours, by our own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger) struct HeldUntil(i64);

impl HeldUntil {
    /// What was taken or renewed for a term by a transaction that began when our clock showed this.
    pub(in crate::ledger) fn of(began: i64, term: i64) -> Self {
        Self(began.saturating_add(term).saturating_sub(margin(term)))
    }

    /// Whether it still is.
    pub(in crate::ledger) fn holds(self, now: i64) -> bool {
        now < self.0
    }
}

/// What this owner works on.
#[derive(Clone)]
pub(in crate::ledger) struct LeaseHolder {
    pub(in crate::ledger) owner: Owner,
    /// How others are told of it.
    pub(in crate::ledger) who: Arc<str>,
    pub(in crate::ledger) jobs: LeasedRows,
    pub(in crate::ledger) replies: LeasedRows,
    pub(in crate::ledger) mailboxes: LeasedRows,
    pub(in crate::ledger) sign_ins: LeasedRows,
    /// What our own clock showed when the transaction began that is worked on.
    began: Arc<AtomicI64>,
    /// When leases were looked at, and when they are next.
    look: Arc<Mutex<(i64, i64)>>,
}

impl LeaseHolder {
    pub(in crate::ledger) fn new(owner: Owner, clock: &Clock) -> Self {
        let began = Arc::new(AtomicI64::new(clock.read().steady()));
        let held = |term| LeasedRows {
            rows: Arc::default(),
            term,
            began: began.clone(),
            clock: clock.clone(),
        };
        Self {
            owner,
            who: this_process().into(),
            jobs: held(TERM),
            replies: held(TERM),
            mailboxes: held(MAILBOX_TERM),
            sign_ins: held(SIGN_IN_TERM),
            began: began.clone(),
            look: Arc::new(Mutex::new((i64::MIN, i64::MIN))),
        }
    }

    /// A transaction begins; what is taken or renewed in it is ours from now on.
    pub(in crate::ledger) fn begins(&self, reading: ClockReading) {
        self.began.store(reading.steady(), Ordering::Relaxed);
    }

    /// Whether it is time to renew what is held and to look for what has ended.
    pub(in crate::ledger) fn is_due(&self, now: i64) -> bool {
        let (last, next) = *self.look.lock();
        // A clock that was set back must not keep anybody from looking.
        now >= next || now < last
    }

    /// It was looked, and this is what has an owner still.
    pub(in crate::ledger) fn looked(&self, now: i64, claimed: Claimed) {
        let next = match claimed {
            Claimed::Work => LOOK,
            Claimed::Names => MAILBOX_TERM - low(MAILBOX_TERM),
        };
        *self.look.lock() = (now, now.saturating_add(next));
    }

    /// What was to be written of the last look was not: it is looked again.
    pub(in crate::ledger) fn looks_again(&self) {
        *self.look.lock() = (i64::MIN, i64::MIN);
    }

    /// Something is claimed: from now on it is looked whether its time is over.
    pub(in crate::ledger) fn claims(&self, now: i64) {
        let mut look = self.look.lock();
        look.1 = look.1.min(now.saturating_add(LOOK));
    }
}

/// What has an owner, whoever that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger) enum Claimed {
    /// Mailboxes at most, and the list of owners: their terms are long.
    Names,
    /// Jobs, replies, uploads, sign-ins.
    Work,
}

/// The rows of one kind that are held on to.
#[derive(Clone)]
pub(in crate::ledger) struct LeasedRows {
    rows: Arc<Mutex<HashMap<i64, Arc<Hold>>>>,
    pub(in crate::ledger) term: i64,
    began: Arc<AtomicI64>,
    clock: Clock,
}

/// One taking, as memory has it.
struct Hold {
    fence: Fence,
    /// [`HeldUntil`] as it moves.
    until: AtomicI64,
}

impl LeasedRows {
    /// Holds on to a row that was taken, for as long as the lease lives. Who had it before by another taking has it no more.
    pub(in crate::ledger) fn hold(&self, row: i64, fence: Fence) -> Lease {
        let HeldUntil(until) = HeldUntil::of(self.began.load(Ordering::Relaxed), self.term);
        let hold = Arc::new(Hold {
            fence,
            until: AtomicI64::new(until),
        });
        self.rows.lock().insert(row, hold.clone());
        let grip = LeaseGuard {
            row,
            hold,
            of: self.clone(),
            end: Mutex::new(None),
        };
        Lease(Some(Arc::new(grip)))
    }

    /// The rows that are held on to.
    pub(in crate::ledger) fn rows(&self) -> Vec<i64> {
        self.rows.lock().keys().copied().collect()
    }

    /// Whether somebody in this process holds on to it.
    pub(in crate::ledger) fn has(&self, row: i64) -> bool {
        self.rows.lock().contains_key(&row)
    }

    /// It is durable that these were renewed by the transaction that ended just now.
    pub(in crate::ledger) fn renewed(&self, renewed: &[(i64, Fence)]) {
        let HeldUntil(until) = HeldUntil::of(self.began.load(Ordering::Relaxed), self.term);
        let rows = self.rows.lock();
        for (row, fence) in renewed {
            if let Some(hold) = rows.get(row).filter(|hold| hold.fence == *fence) {
                hold.until.fetch_max(until, Ordering::Relaxed);
            }
        }
    }
}

/// That somebody works on something: while one of its clones lives, it stays his. Its fence goes with whatever is written of that.
#[derive(Clone, Default)]
pub struct Lease(Option<Arc<LeaseGuard>>);

impl Lease {
    /// What goes with each write. Of a lease of nothing it is refused.
    #[must_use]
    pub fn fence(&self) -> Fence {
        self.0.as_ref().map_or(Fence::NONE, |grip| grip.hold.fence)
    }

    /// Whether it is surely still ours. To be asked right before anything that can't be undone: a request, a program that is started, the
    /// bytes of a reply. Whoever was stopped for so long that another may have it by now (the machine slept, the ledger could not be written)
    /// does nothing more and gives it up. A lease of nothing always holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.0.as_ref().is_none_or(|grip| {
            let until = HeldUntil(grip.hold.until.load(Ordering::Relaxed));
            until.holds(grip.of.clock.read().steady())
        })
    }

    /// Has this done when its last clone is gone.
    pub(in crate::ledger) fn ends_by(&self, end: impl FnOnce(Fence) + Send + 'static) {
        if let Some(grip) = &self.0 {
            *grip.end.lock() = Some(Box::new(end));
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lease").field(&self.0.is_some()).finish()
    }
}

struct LeaseGuard {
    row: i64,
    hold: Arc<Hold>,
    of: LeasedRows,
    end: Mutex<Option<EndOfLease>>,
}

/// What is done when a lease is let go.
type EndOfLease = Box<dyn FnOnce(Fence) + Send>;

impl Drop for LeaseGuard {
    fn drop(&mut self) {
        let mut rows = self.of.rows.lock();
        if rows.get(&self.row).is_some_and(|hold| Arc::ptr_eq(hold, &self.hold)) {
            rows.remove(&self.row);
        }
        drop(rows);
        let end = self.end.lock().take();
        if let Some(end) = end {
            end(self.hold.fence);
        }
    }
}

#[cfg(test)]
#[path = "lease_tests.rs"]
mod tests;
