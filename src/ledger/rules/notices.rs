//! The rows of notices to the operator.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use crate::ledger::{
    Error, Told,
    values::{instant, micros},
};

pub(in crate::ledger) fn told(db: &Connection) -> Result<Told, Error> {
    let mut query = db.prepare_cached("SELECT key, told FROM notice")?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, instant(row.get(1)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(in crate::ledger) fn note(
    db: &Connection,
    told: &[String],
    over: &[String],
    at: DateTime<Utc>,
) -> Result<(), Error> {
    for key in over {
        db.prepare_cached("DELETE FROM notice WHERE key = ?")?.execute([key])?;
    }
    for key in told {
        db.prepare_cached("INSERT INTO notice (key, told) VALUES (?1, ?2) ON CONFLICT (key) DO NOTHING")?
            .execute(params![key, micros(at)])?;
    }
    Ok(())
}
