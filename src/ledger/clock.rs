//! What time it is, by two clocks: the one on the wall, which anybody may set, and the machine's own, which only runs on.

use std::{fmt, fs, sync::Arc};

use chrono::{DateTime, Utc};
use rustix::time::{ClockId, clock_gettime};
use uuid::Uuid;

/// Where Linux tells one start of the machine from another.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// What both clocks show, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockReading {
    /// Since 1970.
    pub wall: i64,
    /// The machine's own clock, where there is one.
    pub run: Option<MonotonicTime>,
}

/// The machine's own clock: it can't be set, and goes on while the machine sleeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonotonicTime {
    /// What it counts from; readings of two runs can't be compared.
    pub id: Uuid,
    /// Since then.
    pub micros: i64,
}

/// What time it is.
#[derive(Clone)]
pub struct Clock {
    wall: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    run: Arc<dyn Fn() -> Option<MonotonicTime> + Send + Sync>,
}

impl Clock {
    /// The clocks of this machine.
    #[must_use]
    pub fn system() -> Self {
        // Where the system doesn't show it (a service without /proc/sys), readings of one process can be compared, and no others.
        let shown = fs::read_to_string(BOOT_ID).ok();
        let id = shown
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or_else(Uuid::now_v7);
        Self::of(Utc::now, move || {
            let now = clock_gettime(ClockId::Boottime);
            let micros = now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1_000);
            Some(MonotonicTime { id, micros })
        })
    }

    /// Two clocks.
    pub fn of(
        wall: impl Fn() -> DateTime<Utc> + Send + Sync + 'static,
        run: impl Fn() -> Option<MonotonicTime> + Send + Sync + 'static,
    ) -> Self {
        Self {
            wall: Arc::new(wall),
            run: Arc::new(run),
        }
    }

    /// What the clock on the wall shows.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        (self.wall)()
    }

    /// What both show.
    #[must_use]
    pub fn read(&self) -> ClockReading {
        ClockReading {
            wall: self.now().timestamp_micros(),
            run: (self.run)(),
        }
    }
}

/// A clock on the wall alone.
impl<F: Fn() -> DateTime<Utc> + Send + Sync + ?Sized + 'static> From<Arc<F>> for Clock {
    fn from(wall: Arc<F>) -> Self {
        Self::of(move || wall(), || None)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.read()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_one_run_and_it_goes_on() {
        let (first, other) = (Clock::system().read(), Clock::system().read());
        let (first, other) = (first.run.unwrap(), other.run.unwrap());
        if fs::exists(BOOT_ID).unwrap() {
            assert_eq!(first.id, other.id);
        }
        assert!(other.micros >= first.micros);
    }
}
