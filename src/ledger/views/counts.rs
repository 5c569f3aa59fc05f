//! Counting what waits. Each state has its own query, so that an index that holds that state alone can answer it.

use std::{collections::BTreeMap, ops::ControlFlow};

use crate::{
    job::{Reason, state::State},
    ledger::{
        Error, ReplyState,
        counts::{Counts, ReplyCount},
        db::{SqlEngine, params, words},
        rules::pause,
        values::instant,
    },
    status::{JobTotals, Setback},
};

/// Jobs that are to be run, by the index of what is due.
const DUE: &str = "SELECT endpoint, state, count(*), min(due) FROM job WHERE state IN ('queued', 'deferred') GROUP BY endpoint, state";
/// Jobs that are run.
const RUNNING: &str =
    "SELECT endpoint, state, count(*), NULL FROM job WHERE state = 'running' GROUP BY endpoint, state";
/// Jobs that wait for others or for a person, and those that failed. An index of part of the table is used only where its condition
/// stands word for word, so those that were counted as due are read once more.
const STOPPED: &str = "SELECT endpoint, state, count(*), NULL FROM job WHERE state IN ('deferred', 'waiting', 'failed', 'held') GROUP BY endpoint, state";

/// Of the jobs of which this is so, the one of each endpoint that is due first.
const FIRST_DUE: &str =
    "SELECT j.endpoint, j.reason, j.detail, j.due FROM (SELECT DISTINCT endpoint FROM job WHERE {such}) endpoints
    JOIN job j ON j.id = (SELECT id FROM job WHERE endpoint = endpoints.endpoint AND {such} ORDER BY due, id LIMIT 1)";
/// Jobs that wait for another attempt.
const SETBACKS: &str = "state IN ('queued', 'deferred') AND state = 'deferred'";
/// Those that wait for a person, and those of them that are tried. They count before.
const WAITS: &str = "state IN ('queued', 'deferred') AND state = 'deferred' AND reason IN {each}";
const TRIED: &str = "state = 'running' AND reason IN {each}";

pub(in crate::ledger) fn counts(db: &dyn SqlEngine) -> Result<Counts, Error> {
    let mut counts = Counts::default();
    for sql in [DUE, RUNNING, STOPPED] {
        jobs(db, sql, &mut counts)?;
    }
    for state in [
        ReplyState::Queued,
        ReplyState::Running,
        ReplyState::Refused,
        ReplyState::Unsure,
        ReplyState::Bounced,
    ] {
        replies(db, state, &mut counts)?;
    }
    counts.pauses = pause::all(db)?;
    counts.setbacks = setbacks(db)?;
    Ok(counts)
}

fn jobs(db: &dyn SqlEngine, sql: &str, counts: &mut Counts) -> Result<(), Error> {
    let query = db.prepare(sql);
    query.each((), |row| {
        let endpoint: String = row.get(0)?;
        let (state, count): (State, i64) = (row.get(1)?, row.get(2)?);
        let jobs = counts.jobs.entry(endpoint.clone()).or_default();
        if let Some(number) = number(jobs, state) {
            *number = u64::try_from(count).unwrap_or(0);
        }
        if let (State::Queued | State::Deferred, Some(due)) = (state, row.get::<Option<i64>>(3)?) {
            let due = instant(due);
            let oldest = counts.oldest_due.entry(endpoint).or_insert(due);
            *oldest = (*oldest).min(due);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(())
}

fn setbacks(db: &dyn SqlEngine) -> Result<BTreeMap<String, Setback>, Error> {
    let reasons: Vec<_> = Reason::operators().map(Reason::code).collect();
    let reasons = words(reasons.iter().map(AsRef::as_ref));
    let each = (db.dialect().each_word)("?1");
    let mut setbacks = BTreeMap::new();
    for (such, needs_person) in [(SETBACKS, false), (TRIED, true), (WAITS, true)] {
        let query = db.prepare(FIRST_DUE.replace("{such}", such).replace("{each}", &each));
        let given = if needs_person { params![reasons] } else { params![] };
        let rows = query.query_map(given, |row| {
            let setback = Setback {
                reason: row.get(1)?,
                detail: row.get(2)?,
                next: instant(row.get(3)?),
                needs_person,
            };
            Ok((row.get::<String>(0)?, setback))
        })?;
        for row in rows {
            let (endpoint, setback) = row?;
            setbacks.insert(endpoint, setback);
        }
    }
    Ok(setbacks)
}

fn number(jobs: &mut JobTotals, state: State) -> Option<&mut u64> {
    match state {
        State::Queued => Some(&mut jobs.queued),
        State::Running => Some(&mut jobs.running),
        State::Deferred => Some(&mut jobs.deferred),
        State::Waiting => Some(&mut jobs.waiting),
        State::Held => Some(&mut jobs.held),
        State::Failed => Some(&mut jobs.failed),
        State::Done | State::Ignored => None,
    }
}

fn replies(db: &dyn SqlEngine, state: ReplyState, counts: &mut Counts) -> Result<(), Error> {
    // The name is ours and needs no quoting; a parameter would keep the index of this state from being used.
    let condition = match state {
        ReplyState::Unsure => "r.unsure = 1".to_owned(),
        ReplyState::Bounced => "r.bounced IS NOT NULL".to_owned(),
        ReplyState::Queued => "r.state = 'queued' AND r.unsure = 0".to_owned(),
        state => format!("r.state = '{}'", state.as_str()),
    };
    let query = db.prepare(format!(
        "SELECT j.endpoint, r.account, count(*) FROM reply r JOIN job j ON j.id = r.job WHERE {condition} GROUP BY j.endpoint, r.account"
    ));
    let rows = query.query_map((), |row| {
        Ok(ReplyCount {
            endpoint: row.get(0)?,
            account: row.get(1)?,
            state,
            count: u64::try_from(row.get::<i64>(2)?).unwrap_or(0),
        })
    })?;
    for row in rows {
        counts.replies.push(row?);
    }
    Ok(())
}
