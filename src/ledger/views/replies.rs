//! Lists of replies: what waits, what was refused, and what became of each recipient.

use std::ops::ControlFlow;

use chrono::{DateTime, Utc};

use super::recipients::{self, STATE};
use crate::ledger::{
    Error, OutboxRow, ReplyFilter, ReplyState,
    db::{Row, SqlEngine, params},
    values::{instant, micros, signed},
};

/// When replies of an account were taken or refused.
pub(in crate::ledger) fn submissions(
    db: &dyn SqlEngine,
    account: &str,
    since: DateTime<Utc>,
) -> Result<Vec<DateTime<Utc>>, Error> {
    let query = db.prepare(
        "SELECT ended FROM reply WHERE account = ?1 AND ended > ?2
         UNION ALL SELECT ended FROM past_reply WHERE account = ?1 AND ended > ?2",
    );
    let rows = query.query_map(params![account, micros(since)], |row| Ok(instant(row.get(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The condition of a filter: the account where one is named, and any of the states, which are ours and need no quoting. What is open or
/// was refused has an index of its own; sent are nearly all.
fn condition(filter: &ReplyFilter) -> String {
    if filter.states.contains(&ReplyState::Sent) {
        return condition_of_rows(filter);
    }
    let of = |state: &ReplyState| match state {
        ReplyState::Unsure => "SELECT job FROM reply WHERE unsure = 1".to_owned(),
        ReplyState::Queued => "SELECT job FROM reply WHERE state = 'queued' AND unsure = 0".to_owned(),
        ReplyState::Bounced => "SELECT job FROM reply_recipient WHERE bounced IS NOT NULL".to_owned(),
        state => format!("SELECT job FROM reply WHERE state = '{}'", state.as_str()),
    };
    let mut wanted: Vec<_> = filter.states.iter().map(of).collect();
    // A reply that some got is listed with those that were refused, too.
    if filter.states.contains(&ReplyState::Refused) {
        wanted.push("SELECT job FROM reply_recipient WHERE state = 'refused'".to_owned());
    }
    if wanted.is_empty() {
        wanted.push("NULL".to_owned());
    }
    format!("{PAGE} AND r.job IN ({})", wanted.join(" UNION ALL "))
}

/// The account and the page of a filter.
const PAGE: &str = "(r.account = ?1 OR ?1 IS NULL) AND (r.job < (SELECT id FROM job WHERE uuid = ?2) OR ?2 IS NULL)";

/// The same, looked for in each reply.
fn condition_of_rows(filter: &ReplyFilter) -> String {
    let states: Vec<_> = filter
        .states
        .iter()
        .map(|state| format!("'{}'", state.as_str()))
        .collect();
    let some = |state, condition| match filter.states.contains(&state) {
        true => format!(" OR EXISTS (SELECT 1 FROM reply_recipient p WHERE p.job = r.job AND p.{condition})"),
        false => String::new(),
    };
    let (refused, bounced) = (
        some(ReplyState::Refused, "state = 'refused'"),
        some(ReplyState::Bounced, "bounced IS NOT NULL"),
    );
    format!("{PAGE} AND ({STATE} IN ({}){refused}{bounced})", states.join(", "))
}

pub(in crate::ledger) fn list(db: &dyn SqlEngine, filter: &ReplyFilter) -> Result<(Vec<OutboxRow>, usize), Error> {
    let condition = condition(filter);
    let all: i64 = db
        .prepare(format!("SELECT count(*) FROM reply r WHERE {condition}"))
        .query_row(params![filter.account, filter.before], |row| row.get(0))?;
    let query = db.prepare(format!(
        "SELECT r.job, j.uuid, j.endpoint, r.account, {STATE}, r.recipients, r.attempt, r.made, r.due, r.detail, j.sender, j.subject,
         EXISTS (SELECT 1 FROM reply_body b WHERE b.job = r.job)
         FROM reply r JOIN job j ON j.id = r.job WHERE {condition} ORDER BY r.job DESC LIMIT ?3"
    ));
    let mut found = Vec::new();
    query.each(params![filter.account, filter.before, signed(filter.max)], |row| {
        found.push(reply(db, row)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok((found, usize::try_from(all).unwrap_or(0)))
}

fn reply(db: &dyn SqlEngine, row: &Row<'_>) -> Result<OutboxRow, Error> {
    let state: ReplyState = row.get(4)?;
    let said: Option<String> = row.get(9)?;
    Ok(OutboxRow {
        recipients: recipients::recipients(db, row.get(0)?, state, &row.get::<String>(5)?, said.as_deref())?,
        job: row.get(1)?,
        endpoint: row.get(2)?,
        account: row.get(3)?,
        state,
        attempts: row.get(6)?,
        made: instant(row.get(7)?),
        due: Some(instant(row.get(8)?)).filter(|_| state == ReplyState::Queued),
        said,
        from: row.get(10)?,
        subject: row.get(11)?,
        has_bytes: row.get(12)?,
    })
}
