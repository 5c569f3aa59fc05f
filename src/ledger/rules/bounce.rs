//! Replies that came back.
//!
//! Whoever has seen a reply can forge a bounce of it. All that it does is a note on what was sent already, and only the first one counts.

use super::{note, transaction::Transaction};
use crate::{
    addr_spec::normal,
    job::{JobId, token::ReplyReference},
    ledger::{
        Bounced, Error, EventKind, NewsKind, RecipientEnd, ReplyState,
        db::{OptionalExtension, params},
        values::capped,
        views::recipients::{self, STATE},
    },
};

/// The reply of a job, and the run that it is of: the job's present one, or an earlier one.
struct BouncedReply {
    job: JobId,
    row: i64,
    past: Option<i64>,
    recipients: Vec<RecipientEnd>,
}

/// Notes that a reply came back; the job that caused it, where it is known.
pub(in crate::ledger) fn bounced(tx: &mut Transaction<'_>, bounce: &Bounced) -> Result<Option<JobId>, Error> {
    for (key, message_id) in &bounce.replies {
        let Some(reply) = find(tx, *key, message_id)? else {
            continue;
        };
        let job = reply.job;
        let mut recipients = reply.recipients.clone();
        if mark(&mut recipients, bounce) {
            match reply.past {
                None => mark_present(tx, &reply, &recipients, &bounce.said)?,
                Some(rerun) => mark_past(tx, &reply, rerun, &recipients, &bounce.said)?,
            }
            note::news(tx, reply.row, NewsKind::Bounced)?;
            note::reply(tx, reply.row, EventKind::ReplyBounced, &bounce.said)?;
        }
        return Ok(Some(job));
    }
    Ok(None)
}

fn find(tx: &Transaction<'_>, key: ReplyReference, message_id: &str) -> Result<Option<BouncedReply>, Error> {
    let job = match key {
        ReplyReference::Job(job) => tx
            .db
            .prepare("SELECT id, uuid FROM job WHERE uuid = ?")
            .query_row([job], |row| Ok((row.get::<i64>(0)?, row.get::<JobId>(1)?)))
            .optional()?,
        ReplyReference::Token(key) => tx
            .db
            .prepare("SELECT j.id, j.uuid FROM conversation c JOIN job j ON j.id = c.job WHERE c.key = ?")
            .query_row([key.0], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?,
    };
    let Some((row, job)) = job else {
        return Ok(None);
    };
    let present = tx
        .db
        .prepare(format!(
            "SELECT {STATE}, r.recipients, r.detail FROM reply r WHERE r.job = ?1 AND lower(r.message_id) = lower(?2)"
        ))
        .query_row(params![row, message_id], |found| {
            Ok((
                found.get::<ReplyState>(0)?,
                found.get::<String>(1)?,
                found.get::<Option<String>>(2)?,
            ))
        })
        .optional()?;
    if let Some((state, addresses, said)) = present {
        let recipients = recipients::recipients(tx.db, row, state, &addresses, said.as_deref())?;
        let past = None;
        return Ok(Some(BouncedReply {
            job,
            row,
            past,
            recipients,
        }));
    }
    let past = tx
        .db
        .prepare("SELECT rerun, recipients FROM past_reply WHERE job = ?1 AND lower(message_id) = lower(?2)")
        .query_row(params![row, message_id], |found| {
            Ok((found.get::<i64>(0)?, found.get::<String>(1)?))
        })
        .optional()?;
    let Some((rerun, ends)) = past else { return Ok(None) };
    Ok(Some(BouncedReply {
        job,
        row,
        past: Some(rerun),
        recipients: recipients::kept_ends(&ends)?,
    }))
}

/// Marks those who had got it and are named; all who had got it where none of the recipients is named, such as when it was forwarded. Pure.
fn mark(recipients: &mut [RecipientEnd], bounce: &Bounced) -> bool {
    let form = |address: &str| normal(address).unwrap_or_else(|| address.to_lowercase());
    let named: Vec<_> = bounce.recipients.iter().map(|address| form(address)).collect();
    let is_named = |end: &RecipientEnd| named.contains(&form(&end.address));
    let any = recipients.iter().any(is_named);
    let mut marked = false;
    for end in recipients {
        if end.state == ReplyState::Sent && (!any || is_named(end)) {
            end.state = ReplyState::Bounced;
            end.said.clone_from(&bounce.said);
            marked = true;
        }
    }
    marked
}

/// Each recipient gets a row of its own: else one who has got it would count as the whole reply does.
fn mark_present(
    tx: &Transaction<'_>,
    reply: &BouncedReply,
    recipients: &[RecipientEnd],
    said: &str,
) -> Result<(), Error> {
    for end in recipients {
        let bounced = (end.state == ReplyState::Bounced).then_some(tx.now);
        let state = match end.state {
            ReplyState::Bounced => ReplyState::Sent,
            state => state,
        };
        if !matches!(state, ReplyState::Sent | ReplyState::Refused) {
            continue;
        }
        tx.db
            .prepare(
                "INSERT INTO reply_recipient (job, address, state, said, bounced) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (job, address) DO UPDATE SET said = excluded.said, bounced = coalesce(reply_recipient.bounced, excluded.bounced)",
            )
            .execute(params![reply.row, end.address, state.as_str(), capped(&end.said), bounced])?;
    }
    let states: Vec<_> = recipients.iter().map(|end| end.state).collect();
    let all = ReplyState::over(&states) == ReplyState::Bounced;
    tx.db
        .prepare("UPDATE reply SET detail = ?2, bounced = CASE WHEN ?3 = 1 THEN CAST(?4 AS BIGINT) END WHERE job = ?1 AND state = 'sent'")
        .execute(params![reply.row, capped(said), all, tx.now])?;
    Ok(())
}

fn mark_past(
    tx: &Transaction<'_>,
    reply: &BouncedReply,
    rerun: i64,
    recipients: &[RecipientEnd],
    said: &str,
) -> Result<(), Error> {
    let states: Vec<_> = recipients.iter().map(|end| end.state).collect();
    let all = ReplyState::over(&states) == ReplyState::Bounced;
    let written = serde_json::to_string(recipients).map_err(|error| Error::Engine(error.to_string()))?;
    tx.db
        .prepare(
            "UPDATE past_reply SET recipients = ?3, detail = ?4, bounced = CASE WHEN ?5 = 1 THEN CAST(?6 AS BIGINT) END WHERE job = ?1 AND rerun = ?2",
        )
        .execute(params![reply.row, rerun, written, capped(said), all, tx.now])?;
    Ok(())
}
