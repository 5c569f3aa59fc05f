//! How often something may happen: counted where it is committed, so that a limit holds however many ask at once.
//!
//! A job that finds no room gets a place of its own in time, and comes back then: whoever came first goes first, and nobody is woken
//! in vain. Places bind nobody but the one who waits; what begins is counted when it begins.

use super::{claim::running, transaction::Transaction};
use crate::{
    job::JobId,
    ledger::{
        Admission, Error, RateLimit,
        db::{OptionalExtension, SqlEngine, params},
        values::{instant, signed},
    },
};

/// The longest span of a rate, in microseconds: what is older counts nowhere.
const A_DAY: i64 = 86_400_000_000;
/// Old rows that go with each new one.
const SWEPT: i64 = 4;

/// Lets a job begin where every gate has room, else keeps a place for it at the first that has none.
pub(in crate::ledger) fn admit(
    tx: &mut Transaction<'_>,
    job: JobId,
    attempt: u32,
    gates: &[RateLimit],
) -> Result<Admission, Error> {
    let row = running(tx, job, attempt)?.row;
    for gate in gates {
        tx.db.lock_count(gate.key.as_bytes())?;
        if let Some(at) = waits(tx.db, tx.now, row, gate)? {
            return Ok(Admission::At(instant(at)));
        }
    }
    tx.db
        .prepare("UPDATE rated SET begun = 1, at = ?2 WHERE job = ?1 AND begun = 0")
        .execute([row, tx.now])?;
    Ok(Admission::Now)
}

/// A job's own row at a gate.
struct GateEntry {
    id: i64,
    begun: bool,
    at: i64,
}

/// When a job has its place, where it can't begin now.
fn waits(db: &dyn SqlEngine, now: i64, job: i64, gate: &RateLimit) -> Result<Option<i64>, Error> {
    let own = db
        .prepare("SELECT id, begun, at FROM rated WHERE job = ?1 AND gate = ?2")
        .query_row(params![job, gate.key], |row| {
            Ok(GateEntry {
                id: row.get(0)?,
                begun: row.get(1)?,
                at: row.get(2)?,
            })
        })
        .optional()?;
    let place = match &own {
        Some(own) if own.begun => return Ok(None),
        Some(own) if own.at > now => return Ok(Some(own.at)),
        Some(_) if has_room(db, now, gate)? => return Ok(None),
        other => next_place(db, now, other.as_ref().map_or(0, |own| own.id), gate)?,
    };
    match own {
        Some(own) => db
            .prepare("UPDATE rated SET at = ?2 WHERE id = ?1")
            .execute([own.id, place])?,
        None => note(db, now, gate, job, false, place)?,
    };
    Ok((place > now).then_some(place))
}

/// The first time from now on at which a place more leaves at most as many in any span as there may be.
fn next_place(db: &dyn SqlEngine, now: i64, but: i64, gate: &RateLimit) -> Result<i64, Error> {
    let full: Option<i64> = db
        .prepare("SELECT at FROM rated WHERE gate = ?1 AND id <> ?2 ORDER BY at DESC LIMIT 1 OFFSET ?3")
        .query_row(params![gate.key, but, i64::from(gate.rate.count) - 1], |row| row.get(0))
        .optional()?;
    Ok(full.map_or(now, |at| at.saturating_add(span(gate)).max(now)))
}

/// Whether fewer happened in the span that ends now than may.
fn has_room(db: &dyn SqlEngine, now: i64, gate: &RateLimit) -> Result<bool, Error> {
    let happened: i64 = db
        .prepare("SELECT count(*) FROM rated WHERE gate = ?1 AND at > ?2 AND begun = 1")
        .query_row(params![gate.key, now.saturating_sub(span(gate))], |row| row.get(0))?;
    Ok(happened < i64::from(gate.rate.count))
}

/// Counts what a job causes now, where every gate has room; else returns the code of the first that has none.
pub(in crate::ledger) fn pass(
    tx: &Transaction<'_>,
    job: i64,
    gates: &[RateLimit],
) -> Result<Option<&'static str>, Error> {
    for gate in gates {
        tx.db.lock_count(gate.key.as_bytes())?;
        if !has_room(tx.db, tx.now, gate)? {
            return Ok(Some(gate.code));
        }
    }
    for gate in gates {
        note(tx.db, tx.now, gate, job, true, tx.now)?;
    }
    Ok(None)
}

fn note(db: &dyn SqlEngine, now: i64, gate: &RateLimit, job: i64, begun: bool, at: i64) -> Result<usize, Error> {
    db.prepare("DELETE FROM rated WHERE id IN (SELECT id FROM rated WHERE at < ?1 LIMIT ?2)")
        .execute([now - A_DAY, SWEPT])?;
    let insert = db.prepare("INSERT INTO rated (gate, job, begun, at) VALUES (?1, ?2, ?3, ?4)");
    Ok(insert.execute(params![gate.key, job, begun, at])?)
}

fn span(gate: &RateLimit) -> i64 {
    signed(usize::try_from(gate.rate.per.as_micros()).unwrap_or(usize::MAX))
}
