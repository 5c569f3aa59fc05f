//! Where a reply stands, and each of its recipients.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};

use crate::ledger::{Error, RecipientEnd, ReplyState};

/// Where a reply `r` stands.
pub(in crate::ledger) const STATE: &str =
    "CASE WHEN r.bounced IS NOT NULL THEN 'bounced' WHEN r.unsure = 1 THEN 'unsure' ELSE r.state END";

/// The state of a reply under its name.
pub(in crate::ledger) fn state(row: &Row<'_>, column: usize) -> rusqlite::Result<ReplyState> {
    Ok(ReplyState::named(row.get_ref(column)?.as_str()?).unwrap_or(ReplyState::Queued))
}

/// What became of each recipient of a reply; `addresses` is the JSON array of them.
pub(in crate::ledger) fn recipients(
    db: &Connection,
    reply: i64,
    state: ReplyState,
    addresses: &str,
    said: Option<&str>,
) -> Result<Vec<RecipientEnd>, Error> {
    let addresses: Vec<String> = serde_json::from_str(addresses).unwrap_or_default();
    let mut ends = ends(db, reply)?;
    let all = addresses.into_iter().map(|address| {
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
pub(in crate::ledger) fn ends(db: &Connection, reply: i64) -> Result<BTreeMap<String, RecipientEnd>, Error> {
    let mut query = db.prepare_cached(
        "SELECT address, CASE WHEN bounced IS NOT NULL THEN 'bounced' ELSE state END, said FROM reply_recipient WHERE job = ?",
    )?;
    let rows = query.query_map([reply], |row| {
        let end = RecipientEnd {
            address: row.get(0)?,
            state: ReplyState::named(row.get_ref(1)?.as_str()?).unwrap_or(ReplyState::Queued),
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
