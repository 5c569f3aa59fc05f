//! Due times under a clock that is set: they are times of the clock on the wall, and move with it.
//!
//! What both clocks showed is noted in the ledger. The machine's own clock says how much time has passed since, also over a restart of the
//! process, so that any difference is by how much the other one was set; what waits is moved by as much, in one transaction, before
//! anything is claimed. After a restart of the machine nobody knows how long it was off: then only a clock that shows less than before is
//! known to have been set, and what waits, waits from now on for what was left of its wait.

use uuid::Uuid;

use crate::ledger::{
    ClockReading, Error, MonotonicTime,
    db::{OptionalExtension, SqlEngine, params},
    rules::transaction::Transaction,
};

/// What differs by less is no clock that was set: both are not read at one instant.
const TOLERANCE: i64 = 1_000_000;
/// The furthest that due times are moved at once, so that they stay times: a thousand years.
const FARTHEST: i64 = 1_000 * 366 * A_DAY;
/// How often it is noted what the clocks show, where something is written anyway.
const NOTE_EVERY: i64 = 60_000_000;
const A_DAY: i64 = 86_400_000_000;

/// What the clocks showed, and since then nobody set one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger) struct Noted {
    pub(in crate::ledger) reading: ClockReading,
    /// Until when the clock on the wall is not believed where that would drop something.
    pub(in crate::ledger) doubted: Option<i64>,
}

/// What a look at the clocks came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger) struct ClockCheck {
    /// By how much the clock on the wall was set, and so what waits is moved.
    pub(in crate::ledger) moved: i64,
    /// What is noted in place of what was.
    pub(in crate::ledger) noted: Noted,
    /// Whether it has to be written now.
    pub(in crate::ledger) is_news: bool,
}

impl Noted {
    /// The first note of a ledger.
    pub(in crate::ledger) fn first(reading: ClockReading) -> Self {
        Self { reading, doubted: None }
    }

    /// Looks at the clocks. Pure.
    pub(in crate::ledger) fn look(&self, now: ClockReading) -> ClockCheck {
        let before = self.reading;
        let passed = passed(before.run, now.run);
        let ahead = now.wall.saturating_sub(before.wall);
        let moved = match passed {
            Some(passed) => ahead.saturating_sub(passed),
            None => ahead.min(0),
        };
        let moved = if moved.abs() < TOLERANCE {
            0
        } else {
            moved.clamp(-FARTHEST, FARTHEST)
        };
        // Where there is one clock only, it is believed.
        let unknown = match (passed, now.run) {
            (Some(_), _) => moved,
            (None, Some(_)) => ahead,
            (None, None) => 0,
        };
        let doubted = if unknown > A_DAY {
            Some(now.wall.saturating_add(A_DAY))
        } else {
            self.doubted.map(|until| until.saturating_add(moved))
        };
        // What differs by little is kept, so that many little steps are noticed together.
        let wall = match passed {
            Some(passed) if moved == 0 => before.wall.saturating_add(passed),
            _ => now.wall,
        };
        ClockCheck {
            moved,
            noted: Self {
                reading: ClockReading { wall, run: now.run },
                doubted: doubted.filter(|until| now.wall < *until),
            },
            is_news: moved != 0 || ahead >= NOTE_EVERY || unknown > A_DAY,
        }
    }

    /// Whether nothing may be dropped for its age.
    pub(in crate::ledger) fn doubts(&self, now: i64) -> bool {
        self.doubted.is_some_and(|until| now < until)
    }
}

/// How much time passed by the machine's own clock, where that is known.
fn passed(before: Option<MonotonicTime>, now: Option<MonotonicTime>) -> Option<i64> {
    let (before, now) = (before?, now?);
    let passed = now.micros.checked_sub(before.micros)?;
    // A machine that was put back to a copy of itself counts less than before.
    (before.id == now.id && passed >= 0).then_some(passed)
}

/// What stands in the ledger.
pub(in crate::ledger) fn noted(db: &dyn SqlEngine) -> Result<Option<Noted>, Error> {
    let query = db.prepare("SELECT wall, run, micros, doubted FROM clock WHERE one = 1");
    let noted = query.query_row((), |row| {
        let id = row.get::<Option<[u8; 16]>>(1)?.map(Uuid::from_bytes);
        let micros = row.get::<Option<i64>>(2)?;
        Ok(Noted {
            reading: ClockReading {
                wall: row.get(0)?,
                run: id.zip(micros).map(|(id, micros)| MonotonicTime { id, micros }),
            },
            doubted: row.get(3)?,
        })
    });
    Ok(noted.optional()?)
}

/// A process begins: what waits is moved, where the clock was set since the last one.
pub(in crate::ledger) fn begin(db: &dyn SqlEngine, now: ClockReading) -> Result<Noted, Error> {
    let mut look = noted(db)?.unwrap_or(Noted::first(now)).look(now);
    look.is_news = true;
    keep(db, &look)?;
    Ok(look.noted)
}

/// Writes down what a look came to, and moves what waits.
pub(in crate::ledger) fn keep(db: &dyn SqlEngine, look: &ClockCheck) -> Result<(), Error> {
    let ClockCheck { moved, noted, .. } = look;
    if *moved != 0 {
        shift(db, *moved, noted.reading.wall)?;
    }
    let run = noted.reading.run;
    db.prepare("REPLACE INTO clock (one, wall, run, micros, doubted) VALUES (1, ?1, ?2, ?3, ?4)")
        .execute(params![
            noted.reading.wall,
            run.map(|run| run.id.into_bytes()),
            run.map(|run| run.micros),
            noted.doubted
        ])?;
    Ok(())
}

/// Moves what waits, and what says how long something has waited or counts, to where the clock on the wall is now.
fn shift(db: &dyn SqlEngine, moved: i64, now: i64) -> Result<(), Error> {
    let before = now.saturating_sub(moved);
    let jobs = db.prepare(
        "UPDATE job SET due = CASE state WHEN 'queued' THEN min(due + ?1, ?2) ELSE due + ?1 END WHERE state IN ('queued', 'deferred')",
    );
    let jobs = jobs.execute([moved, now])?;
    // The days that a reply is tried for count from `revived`.
    let replies = db.prepare(
        "UPDATE reply SET due = due + ?1, revived = ifnull(revived, made) + ?1 WHERE state = 'queued' AND unsure = 0",
    );
    let replies = replies.execute([moved])?;
    db.prepare("UPDATE reply SET revived = ifnull(revived, made) + ?1 WHERE state = 'running'")
        .execute([moved])?;
    for leases in [
        "UPDATE job SET until = until + ?1 WHERE state = 'running'",
        "UPDATE reply SET until = until + ?1 WHERE state = 'running'",
        "UPDATE upload SET until = until + ?1",
    ] {
        db.prepare(leases).execute([moved])?;
    }
    db.prepare("UPDATE rated SET at = at + ?1 WHERE at > ?2")
        .execute([moved, before.saturating_sub(A_DAY)])?;
    db.prepare("UPDATE conversation SET expires = expires + ?1 WHERE expires > ?2")
        .execute([moved, before])?;
    db.prepare("UPDATE notice SET told = told + ?1").execute([moved])?;
    let seconds = moved / 1_000_000;
    tracing::warn!(
        seconds,
        jobs,
        replies,
        "the system's clock was set: what waits keeps the rest of its wait"
    );
    Ok(())
}

/// Whether the ledger's clock can't be believed where that would drop something.
pub(in crate::ledger) fn doubts(tx: &Transaction<'_>) -> Result<bool, Error> {
    Ok(noted(tx.db)?.is_some_and(|noted| noted.doubts(tx.now)))
}

#[cfg(test)]
#[path = "time_tests.rs"]
mod tests;
