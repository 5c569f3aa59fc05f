//! The end of a submission: what became of a reply and of each of its recipients.

use chrono::{DateTime, Utc};

use super::{note, settle, transaction::Transaction};
use crate::{
    job::JobId,
    ledger::{
        Error, EventKind, NewsKind, RecipientEnd, ReplyState, Submitted,
        db::{OptionalExtension, SqlEngine, params},
        values::{capped, micros},
        views::recipients,
    },
    plural,
};

/// When open recipients are tried again, where nobody said when.
const AGAIN: i64 = 60_000_000;

/// So often a server may lose its answer to the end of a mail.
const LOST: i64 = 3;
/// When a reply is due that waits for an operator: at the end of the year 9999.
const NEVER: i64 = 253_402_300_799_000_000;

/// A reply that is being submitted.
struct ReplyInFlight {
    row: i64,
    mail: i64,
    account: String,
    recipients: Vec<String>,
}

/// Ends a submission.
pub(in crate::ledger) fn submitted(
    tx: &mut Transaction<'_>,
    job: JobId,
    attempt: u32,
    what: &Submitted,
) -> Result<(), Error> {
    let reply = running(tx, job, attempt)?;
    if let Submitted::Lost { due, detail } = what {
        return lost(tx, &reply, *due, detail);
    }
    let before = recipients::ends(tx.db, reply.row)?;
    let open = reply
        .recipients
        .iter()
        .filter(|address| recipients::is_open(&before, address))
        .map(String::as_str);
    let now: Vec<_> = open.map(|address| end(what, address)).collect();
    let told_apart = !before.is_empty()
        || now
            .iter()
            .any(|one| Some(one.state) != now.first().map(|first| first.state));
    if told_apart || matches!(what, Submitted::Each { .. }) {
        now.iter().try_for_each(|one| note(tx.db, reply.row, one))?;
    }
    let closed = before.values().map(|end| end.state);
    let closed = closed.filter(|state| *state != ReplyState::Queued);
    let states: Vec<_> = closed.chain(now.iter().map(|end| end.state)).collect();
    let state = ReplyState::over(&states);
    let due = match what {
        Submitted::Later { due, .. } => Some(micros(*due)),
        Submitted::Each { due, .. } => Some(due.map_or(tx.now + AGAIN, micros)),
        Submitted::Sent(_) | Submitted::Refused(_) | Submitted::Lost { .. } => None,
    };
    let ended = !matches!(what, Submitted::Later { .. });
    // Who got it first may have sent it back before the last one was tried.
    let (stored, bounced) = match state {
        ReplyState::Bounced => (ReplyState::Sent, Some(tx.now)),
        state => (state, None),
    };
    let said = words(what);
    tx.db
        .prepare(
            "UPDATE reply SET state = ?2, due = coalesce(?3, due), detail = ?4, ended = coalesce(?5, ended), bounced = ?6,
             owner = NULL, until = NULL WHERE job = ?1",
        )
        .execute(params![
            reply.row,
            stored.as_str(),
            due.filter(|_| state == ReplyState::Queued),
            capped(&said),
            ended.then_some(tx.now),
            bounced
        ])?;
    match stored {
        ReplyState::Sent => note::reply(tx, reply.row, EventKind::ReplySent, &said)?,
        ReplyState::Refused => note::reply(tx, reply.row, EventKind::ReplyRefused, &said)?,
        ReplyState::Queued | ReplyState::Running | ReplyState::Unsure | ReplyState::Bounced => {}
    }
    if state == ReplyState::Queued {
        tx.after.accounts.insert(reply.account.into());
        return Ok(());
    }
    if states.contains(&ReplyState::Refused) {
        note::news(tx, reply.row, NewsKind::Refused)?;
    }
    settle::conclude(tx, reply.mail)
}

/// The server had all of it and its answer was lost. It is sent again, with the same Message-ID, until it is unsure: who gets it must not
/// get a copy of it each time for days.
fn lost(
    tx: &mut Transaction<'_>,
    reply: &ReplyInFlight,
    due: Option<DateTime<Utc>>,
    detail: &str,
) -> Result<(), Error> {
    let times: i64 = tx
        .db
        .prepare(
            "UPDATE reply SET lost = lost + 1, state = 'queued', due = ?2, detail = ?3, owner = NULL, until = NULL
             WHERE job = ?1 RETURNING lost",
        )
        .query_row(params![reply.row, due.map_or(NEVER, micros), capped(detail)], |row| {
            row.get(0)
        })?;
    if times < LOST && due.is_some() {
        tx.after.accounts.insert(reply.account.as_str().into());
        return Ok(());
    }
    let words = format!(
        "its end was lost {}, so the server may have it: {detail}",
        plural::counted(times, "time")
    );
    tx.db
        .prepare("UPDATE reply SET unsure = 1, due = ?2, detail = ?3 WHERE job = ?1")
        .execute(params![reply.row, NEVER, capped(&words)])?;
    note::reply(tx, reply.row, EventKind::ReplyUnsure, &words)?;
    note::news(tx, reply.row, NewsKind::Unsure)
}

/// An operator knows that an unsure reply has arrived: it counts as sent, and its mail may be settled.
pub(in crate::ledger) fn accept(tx: &mut Transaction<'_>, job: JobId) -> Result<bool, Error> {
    let found = tx
        .db
        .prepare("SELECT j.id, j.mail FROM job j JOIN reply r ON r.job = j.id WHERE j.uuid = ?1 AND r.unsure = 1")
        .query_row([job], |row| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?)))
        .optional()?;
    let Some((row, mail)) = found else {
        return Ok(false);
    };
    const SAID: &str = "an operator says that it has arrived";
    tx.db
        .prepare("UPDATE reply_recipient SET state = 'sent', said = ?2 WHERE job = ?1 AND state = 'queued'")
        .execute(params![row, SAID])?;
    tx.db
        .prepare("UPDATE reply SET state = 'sent', unsure = 0, lost = 0, ended = ?2, detail = ?3 WHERE job = ?1")
        .execute(params![row, tx.now, SAID])?;
    note::reply(tx, row, EventKind::ReplySent, SAID)?;
    settle::conclude(tx, mail)?;
    Ok(true)
}

fn running(tx: &Transaction<'_>, job: JobId, attempt: u32) -> Result<ReplyInFlight, Error> {
    let found = tx
        .db
        .prepare(
            "SELECT j.id, j.mail, r.state = 'running' AND r.attempt = ?2 AND r.owner IS NOT DISTINCT FROM ?3, r.account, r.recipients
             FROM job j JOIN reply r ON r.job = j.id WHERE j.uuid = ?1",
        )
        .query_row(params![job, attempt, tx.holder.owner.0], |row| {
            let reply = ReplyInFlight {
                row: row.get(0)?,
                mail: row.get(1)?,
                account: row.get(3)?,
                recipients: recipients::addresses(row.get_ref(4)?.as_str()?)?,
            };
            Ok((reply, row.get::<bool>(2)?))
        })
        .optional()?;
    let (reply, ours) = found.ok_or_else(|| Error::Missing(format!("the reply of job {job}")))?;
    if ours { Ok(reply) } else { Err(Error::Stale(job)) }
}

/// What became of an open recipient in this submission.
fn end(what: &Submitted, address: &str) -> RecipientEnd {
    let (state, said) = match what {
        Submitted::Sent(said) => (ReplyState::Sent, said.as_str()),
        Submitted::Refused(said) => (ReplyState::Refused, said.as_str()),
        Submitted::Later { detail, .. } | Submitted::Lost { detail, .. } => (ReplyState::Queued, detail.as_str()),
        Submitted::Each { recipients, .. } => {
            let found = recipients.iter().find(|end| end.address == address);
            found.map_or((ReplyState::Queued, ""), |end| (end.state, end.said.as_str()))
        }
    };
    RecipientEnd {
        address: address.to_owned(),
        state,
        said: said.to_owned(),
    }
}

/// The words of a submission.
fn words(what: &Submitted) -> String {
    match what {
        Submitted::Sent(said)
        | Submitted::Refused(said)
        | Submitted::Later { detail: said, .. }
        | Submitted::Lost { detail: said, .. } => said.clone(),
        Submitted::Each { recipients, .. } => {
            let each = recipients.iter().map(|end| {
                let RecipientEnd { address, state, said } = end;
                format!("{} {address}: {said}", state.as_str())
            });
            each.collect::<Vec<_>>().join("; ")
        }
    }
}

fn note(db: &dyn SqlEngine, reply: i64, end: &RecipientEnd) -> Result<(), Error> {
    db.prepare(
        "INSERT INTO reply_recipient (job, address, state, said) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (job, address) DO UPDATE SET state = excluded.state, said = excluded.said",
    )
    .execute(params![reply, end.address, end.state.as_str(), capped(&end.said)])?;
    Ok(())
}
