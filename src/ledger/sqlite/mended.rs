//! Something was mended: what waited for that is due now.

use std::sync::Arc;

use rusqlite::params;

use super::savepoint::Desk;
use crate::{config::EndpointName, job::Reason, ledger::Error};

/// Jobs of an endpoint that were put off for what a person or more room ends.
pub(super) fn jobs(desk: &mut Desk<'_>, endpoint: &EndpointName) -> Result<u64, Error> {
    let reasons: Vec<_> = Reason::mended().map(Reason::code).collect();
    let reasons = serde_json::to_string(&reasons).map_err(|error| Error::Engine(error.to_string()))?;
    let changed = desk
        .db
        .prepare_cached(
            "UPDATE job SET due = ?2 WHERE endpoint = ?1 AND state IN ('queued', 'deferred') AND due > ?2
             AND state = 'deferred' AND reason IN (SELECT value FROM json_each(?3))",
        )?
        .execute(params![endpoint.as_str(), desk.now, reasons])?;
    desk.after.endpoints.insert(endpoint.clone());
    Ok(changed as u64)
}

/// Replies of an account that wait for another try. Whoever is unsure stays so.
pub(super) fn replies(desk: &mut Desk<'_>, account: Arc<str>) -> Result<u64, Error> {
    let changed = desk
        .db
        .prepare_cached(
            "UPDATE reply SET due = ?2 WHERE account = ?1 AND state = 'queued' AND unsure = 0 AND due > ?2",
        )?
        .execute(params![&*account, desk.now])?;
    desk.after.accounts.insert(account);
    Ok(changed as u64)
}
