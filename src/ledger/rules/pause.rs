//! Endpoints of which no job is claimed, and what goes on when something was mended.

use std::sync::Arc;

use super::{note, transaction::Transaction};
use crate::{
    config::EndpointName,
    job::Reason,
    ledger::{
        Error, EventKind, Pause, PausedBy,
        db::{self, OptionalExtension, Row, SqlEngine, params},
        values::instant,
    },
};

const PAUSES: &str = "SELECT p.endpoint, p.by, p.since,
    (SELECT count(*) FROM job j WHERE j.endpoint = p.endpoint AND j.state IN ('queued', 'deferred')) FROM pause p";

/// Pauses an endpoint. What an operator paused stays the operator's; a pause that was there keeps its time.
pub(in crate::ledger) fn pause(
    tx: &Transaction<'_>,
    endpoint: &str,
    by: PausedBy,
    action: Option<[u8; 32]>,
) -> Result<Pause, Error> {
    let was = find(tx.db, endpoint)?;
    tx.db
        .prepare(
            "INSERT INTO pause (endpoint, by, since, action) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (endpoint) DO UPDATE SET by = excluded.by, action = excluded.action WHERE pause.by <> 'operator'",
        )
        .execute(params![endpoint, by.as_str(), tx.now, action])?;
    if was.is_none() {
        note::endpoint(tx, EventKind::Paused, endpoint, by.as_str())?;
    }
    find(tx.db, endpoint)?.ok_or_else(|| Error::Missing(format!("the pause of {endpoint}")))
}

/// Lets an endpoint go on.
pub(in crate::ledger) fn resume(tx: &mut Transaction<'_>, endpoint: &str) -> Result<Option<Pause>, Error> {
    let found = find(tx.db, endpoint)?;
    if let Some(pause) = &found {
        tx.db
            .prepare("DELETE FROM pause WHERE endpoint = ?")
            .execute([endpoint])?;
        note::endpoint(tx, EventKind::Resumed, endpoint, pause.by.as_str())?;
        tx.after.endpoints.extend(EndpointName::new(endpoint));
    }
    Ok(found)
}

/// Lets an endpoint go on that another action had paused.
pub(in crate::ledger) fn resume_changed(
    tx: &mut Transaction<'_>,
    endpoint: &EndpointName,
    action: [u8; 32],
) -> Result<bool, Error> {
    let resumed = tx
        .db
        .prepare("DELETE FROM pause WHERE endpoint = ?1 AND by = 'gone' AND action IS DISTINCT FROM ?2")
        .execute(params![endpoint.as_str(), action])?;
    if resumed > 0 {
        note::endpoint(tx, EventKind::Resumed, endpoint.as_str(), PausedBy::Gone.as_str())?;
    }
    tx.after.endpoints.insert(endpoint.clone());
    Ok(resumed > 0)
}

/// All of them.
pub(in crate::ledger) fn all(db: &dyn SqlEngine) -> Result<Vec<Pause>, Error> {
    let query = db.prepare(format!("{PAUSES} ORDER BY p.endpoint"));
    let rows = query.query_map((), row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn find(db: &dyn SqlEngine, endpoint: &str) -> Result<Option<Pause>, Error> {
    let query = db.prepare(format!("{PAUSES} WHERE p.endpoint = ?"));
    Ok(query.query_row([endpoint], row).optional()?)
}

fn row(row: &Row<'_>) -> db::Result<Pause> {
    Ok(Pause {
        endpoint: row.get(0)?,
        by: row.get(1)?,
        since: instant(row.get(2)?),
        waiting: row.get::<i64>(3)?.unsigned_abs(),
    })
}

/// Jobs of an endpoint that were put off for what a person or more room ends.
pub(in crate::ledger) fn jobs_mended(tx: &mut Transaction<'_>, endpoint: &EndpointName) -> Result<u64, Error> {
    let reasons: Vec<_> = Reason::mended().map(Reason::code).collect();
    let reasons = serde_json::to_string(&reasons).map_err(|error| Error::Engine(error.to_string()))?;
    let changed = tx
        .db
        .prepare(
            "UPDATE job SET due = ?2 WHERE endpoint = ?1 AND state IN ('queued', 'deferred') AND due > ?2
             AND state = 'deferred' AND reason IN (SELECT value FROM json_each(?3))",
        )
        .execute(params![endpoint.as_str(), tx.now, reasons])?;
    tx.after.endpoints.insert(endpoint.clone());
    Ok(changed as u64)
}

/// Replies of an account that wait for another try. Whoever is unsure stays so.
pub(in crate::ledger) fn replies_mended(tx: &mut Transaction<'_>, account: Arc<str>) -> Result<u64, Error> {
    let changed = tx
        .db
        .prepare("UPDATE reply SET due = ?2 WHERE account = ?1 AND state = 'queued' AND unsure = 0 AND due > ?2")
        .execute(params![&*account, tx.now])?;
    tx.after.accounts.insert(account);
    Ok(changed as u64)
}
