//! Endpoints of which no job is claimed.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{savepoint::Desk, values::instant};
use crate::{
    config::EndpointName,
    ledger::{Error, Pause, PausedBy},
};

const PAUSES: &str = "SELECT p.endpoint, p.by, p.since,
    (SELECT count(*) FROM job j WHERE j.endpoint = p.endpoint AND j.state IN ('queued', 'deferred')) FROM pause p";

/// Pauses an endpoint. What an operator paused stays the operator's; a pause that was there keeps its time.
pub(super) fn pause(desk: &Desk<'_>, endpoint: &str, by: PausedBy, action: Option<[u8; 32]>) -> Result<Pause, Error> {
    desk.db
        .prepare_cached(
            "INSERT INTO pause (endpoint, by, since, action) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET by = excluded.by, action = excluded.action WHERE by <> 'operator'",
        )?
        .execute(params![endpoint, by.as_str(), desk.now, action])?;
    find(desk.db, endpoint)?.ok_or_else(|| Error::Missing(format!("the pause of {endpoint}")))
}

/// Lets an endpoint go on.
pub(super) fn resume(desk: &mut Desk<'_>, endpoint: &str) -> Result<Option<Pause>, Error> {
    let found = find(desk.db, endpoint)?;
    if found.is_some() {
        desk.db
            .prepare_cached("DELETE FROM pause WHERE endpoint = ?")?
            .execute([endpoint])?;
        desk.after.endpoints.extend(EndpointName::new(endpoint));
    }
    Ok(found)
}

/// Lets an endpoint go on that another action had paused.
pub(super) fn resume_changed(desk: &mut Desk<'_>, endpoint: &EndpointName, action: [u8; 32]) -> Result<bool, Error> {
    let resumed = desk
        .db
        .prepare_cached("DELETE FROM pause WHERE endpoint = ?1 AND by = 'gone' AND action IS NOT ?2")?
        .execute(params![endpoint.as_str(), action])?;
    desk.after.endpoints.insert(endpoint.clone());
    Ok(resumed > 0)
}

/// All of them.
pub(super) fn all(db: &Connection) -> Result<Vec<Pause>, Error> {
    let mut query = db.prepare(&format!("{PAUSES} ORDER BY p.endpoint"))?;
    let rows = query.query_map([], row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn find(db: &Connection, endpoint: &str) -> Result<Option<Pause>, Error> {
    let mut query = db.prepare_cached(&format!("{PAUSES} WHERE p.endpoint = ?"))?;
    Ok(query.query_row([endpoint], row).optional()?)
}

fn row(row: &Row<'_>) -> rusqlite::Result<Pause> {
    Ok(Pause {
        endpoint: row.get(0)?,
        by: match row.get_ref(1)?.as_str()? {
            "gone" => PausedBy::Gone,
            _ => PausedBy::Operator,
        },
        since: instant(row.get(2)?),
        waiting: row.get::<_, i64>(3)?.unsigned_abs(),
    })
}
