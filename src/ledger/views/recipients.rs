//! Where a reply stands, and each of its recipients.

use std::collections::BTreeMap;

use crate::ledger::{
    Error, RecipientEnd, ReplyState,
    db::{self, SqlEngine, SqlError},
};

/// Where a reply `r` stands.
pub(in crate::ledger) const STATE: &str =
    "CASE WHEN r.bounced IS NOT NULL THEN 'bounced' WHEN r.unsure = 1 THEN 'unsure' ELSE r.state END";

/// The addresses of a reply, out of the JSON array that it is kept as.
pub(in crate::ledger) fn addresses(kept: &str) -> db::Result<Vec<String>> {
    serde_json::from_str(kept).map_err(|error| SqlError::Unreadable(format!("the recipients of a reply: {error}")))
}

/// What became of the recipients of a reply that was set aside.
pub(in crate::ledger) fn kept_ends(kept: &str) -> db::Result<Vec<RecipientEnd>> {
    serde_json::from_str(kept)
        .map_err(|error| SqlError::Unreadable(format!("the recipients of an earlier reply: {error}")))
}

/// What became of each recipient of a reply; `kept` is the JSON array of them.
pub(in crate::ledger) fn recipients(
    db: &dyn SqlEngine,
    reply: i64,
    state: ReplyState,
    kept: &str,
    said: Option<&str>,
) -> Result<Vec<RecipientEnd>, Error> {
    let mut ends = ends(db, reply)?;
    let all = addresses(kept)?.into_iter().map(|address| {
        ends.remove(&address).unwrap_or_else(|| RecipientEnd {
            address,
            state: if state == ReplyState::Running {
                ReplyState::Queued
            } else {
                state
            },
            said: said.unwrap_or_default().to_owned(),
        })
    });
    Ok(all.collect())
}

/// Recipients that have a row of their own.
pub(in crate::ledger) fn ends(db: &dyn SqlEngine, reply: i64) -> Result<BTreeMap<String, RecipientEnd>, Error> {
    let query = db.prepare(
        "SELECT address, CASE WHEN bounced IS NOT NULL THEN 'bounced' ELSE state END, said FROM reply_recipient WHERE job = ?",
    );
    let rows = query.query_map([reply], |row| {
        let end = RecipientEnd {
            address: row.get(0)?,
            state: row.get(1)?,
            said: row.get(2)?,
        };
        Ok((end.address.clone(), end))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether somebody still has to get it.
pub(in crate::ledger) fn is_open(ends: &BTreeMap<String, RecipientEnd>, address: &str) -> bool {
    ends.get(address).is_none_or(|end| end.state == ReplyState::Queued)
}
