//! The rows of notices to the operator.

use chrono::{DateTime, Utc};

use crate::ledger::{
    Error, SentNotices,
    db::{SqlEngine, params},
    values::{instant, micros},
};

pub(in crate::ledger) fn told(db: &dyn SqlEngine) -> Result<SentNotices, Error> {
    let query = db.prepare("SELECT key, told FROM notice");
    let rows = query.query_map((), |row| Ok((row.get(0)?, instant(row.get(1)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(in crate::ledger) fn note(
    db: &dyn SqlEngine,
    told: &[String],
    over: &[String],
    at: DateTime<Utc>,
) -> Result<(), Error> {
    for key in over {
        db.prepare("DELETE FROM notice WHERE key = ?").execute([key])?;
    }
    for key in told {
        db.prepare("INSERT INTO notice (key, told) VALUES (?1, ?2) ON CONFLICT (key) DO NOTHING")
            .execute(params![key, micros(at)])?;
    }
    Ok(())
}
