//! Taking mails: mail, place, job and cursor together.

use uuid::Uuid;

use super::{
    known::{SeenMail, known},
    lacking, leases,
    mail_bytes::{abandon, claim_upload, next_mail, store_bytes},
    note, settle,
    transaction::Transaction,
};
use crate::{
    config::EndpointName,
    job::{JobId, Reason, state::State},
    ledger::{
        Content, Cursor, Error, Intake, IntakeResult, MailId, MailboxKey, NewMail, Raw, WatchedMailbox,
        db::{OptionalExtension, SqlEngine, params},
        values::{capped, micros, signed},
    },
};

/// A mailbox is read up to this cursor. Gives its name and row, which is made where there was none. Of a watch that another has followed it is refused.
pub(super) fn read_up_to<'a>(
    tx: &Transaction<'_>,
    mailbox: &'a WatchedMailbox,
    cursor: Cursor,
) -> Result<(&'a MailboxKey, i64), Error> {
    mailbox.judged_by(|name, fence| {
        // Whether a mail is known is judged by all that are: two who take of one mailbox take one after the other.
        tx.db.lock_count(name.0.as_bytes())?;
        // It is judged by the statement that writes: one statement less for each mail.
        let row = tx
            .db
            .prepare(
                "INSERT INTO mailbox (name, uid_validity, uid_next) SELECT ?1, ?2, ?3
                 WHERE NOT EXISTS (SELECT 1 FROM lease l WHERE l.kind = 'mailbox' AND l.name = ?1
                   AND (l.owner IS DISTINCT FROM ?4 OR l.fence <> ?5))
                 ON CONFLICT (name) DO UPDATE SET uid_validity = excluded.uid_validity, uid_next = excluded.uid_next
                 RETURNING id",
            )
            .query_row(
                params![
                    *name.0,
                    cursor.uid_validity,
                    cursor.uid_next,
                    tx.holder.owner.0,
                    fence.0
                ],
                |row| row.get(0),
            )
            .optional()?;
        row.ok_or_else(|| leases::watched_by(tx, name))
    })
}

/// Gives a mailbox another name, where there is none of that name. Says whether it was done.
pub(in crate::ledger) fn rename(tx: &Transaction<'_>, from: &MailboxKey, to: &MailboxKey) -> Result<bool, Error> {
    let rename = tx
        .db
        .prepare("UPDATE mailbox SET name = ?2 WHERE name = ?1 AND NOT EXISTS (SELECT 1 FROM mailbox WHERE name = ?2)");
    let renamed = rename.execute([&*from.0, &*to.0])? > 0;
    if renamed {
        // Whoever watches it by its old name has it no more.
        tx.db
            .prepare("UPDATE lease SET owner = NULL WHERE kind = 'mailbox' AND name = ?1")
            .execute([&*from.0])?;
    }
    Ok(renamed)
}

/// Takes mails and moves the cursor.
pub(in crate::ledger) fn take(tx: &mut Transaction<'_>, intake: Intake) -> Result<IntakeResult, Error> {
    let watch = intake.mailbox;
    let (_, mailbox) = read_up_to(tx, &watch, intake.cursor)?;
    let mut taken = IntakeResult::default();
    for mail in intake.mails {
        let spare = match &mail.content {
            Content::Whole {
                raw: Raw::Uploaded { upload, .. },
                ..
            } => Some(*upload),
            Content::Whole { .. } => None,
            Content::Lacking(lack) => lack.upload,
        };
        match known(tx.db, mailbox, &mail)? {
            Some(seen) => {
                match again(tx, (&watch, mailbox), &mail, seen)? {
                    true => taken.completed += 1,
                    false => taken.known += 1,
                }
                // Pieces that were needed are another mail's by now.
                spare.map_or(Ok(()), |upload| abandon(tx, &watch, upload))?;
            }
            None => {
                let id = store_mail(tx, (&watch, mailbox), &mail)?;
                note_place(tx, mailbox, &mail, id)?;
                let held = match &mail.content {
                    Content::Whole { .. } => None,
                    Content::Lacking(lack) => Some((lack.reason, lack.detail.clone())),
                };
                for endpoint in &intake.endpoints {
                    make_job(tx, endpoint, id, held.as_ref())?;
                }
                taken.new += 1;
                match mail.content {
                    Content::Whole {
                        raw: Raw::Inline(bytes),
                        ..
                    } => tx.after.fresh.push((MailId(id), bytes)),
                    Content::Whole { .. } => {}
                    Content::Lacking(_) => spare.map_or(Ok(()), |upload| abandon(tx, &watch, upload))?,
                }
            }
        }
    }
    Ok(taken)
}

/// A mail that is known, seen again. Says whether it lacked bytes and is whole now.
fn again(
    tx: &mut Transaction<'_>,
    (watch, mailbox): (&WatchedMailbox, i64),
    mail: &NewMail,
    seen: SeenMail,
) -> Result<bool, Error> {
    if !seen.here {
        note_place(tx, mailbox, mail, seen.id)?;
    }
    let completes = match &mail.content {
        Content::Whole { .. } => seen.lacks && has_open_job(tx.db, seen.id)?,
        Content::Lacking(lack) => {
            if seen.here && seen.lacks {
                lacking::note_lack(tx, seen.id, lack)?;
            }
            false
        }
    };
    if completes {
        lacking::complete(tx, (watch, mailbox), seen.id, mail)?;
    } else if !seen.here {
        // It may have ended already: then its last touch is due here too.
        settle::conclude(tx, seen.id)?;
    }
    Ok(completes)
}

fn has_open_job(db: &dyn SqlEngine, mail: i64) -> Result<bool, Error> {
    let query =
        db.prepare("SELECT EXISTS (SELECT 1 FROM job WHERE mail = ? AND state NOT IN ('done', 'failed', 'ignored'))");
    Ok(query.query_row([mail], |row| row.get(0))?)
}

fn store_mail(tx: &Transaction<'_>, (watch, mailbox): (&WatchedMailbox, i64), mail: &NewMail) -> Result<i64, Error> {
    let (id, size, sha256, lacks) = match &mail.content {
        Content::Whole { raw, sha256 } => {
            let (id, size) = match raw {
                Raw::Inline(bytes) => (store_bytes(tx.db, bytes)?, signed(bytes.len())),
                Raw::Uploaded { upload, size } => (claim_upload(tx, watch, *upload, *size)?, signed(*size)),
            };
            (id, size, &sha256[..], None)
        }
        Content::Lacking(lack) => (
            next_mail(tx.db)?,
            signed(lack.size),
            &[][..],
            Some(capped(&lack.detail)),
        ),
    };
    tx.db
        .prepare(
            "INSERT INTO mail (id, mailbox, sha256, header_key, size, received, taken, told, lacks)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )
        .execute(params![
            id,
            mailbox,
            sha256,
            mail.header_key,
            size,
            mail.received.map(micros),
            tx.now,
            mail.told.map(signed),
            lacks
        ])?;
    Ok(id)
}

/// Notes where a mail is.
fn note_place(tx: &Transaction<'_>, mailbox: i64, mail: &NewMail, id: i64) -> Result<(), Error> {
    tx.db
        .prepare(
            "INSERT INTO place (mailbox, uid_validity, uid, mail, touch) VALUES (?1, ?2, ?3, ?4, 'waiting')
             ON CONFLICT (mailbox, uid_validity, uid) DO UPDATE SET mail = excluded.mail, touch = excluded.touch",
        )
        .execute(params![mailbox, mail.place.uid_validity, mail.place.uid, id])?;
    Ok(())
}

/// Makes a job, and wakes those who wait for it.
pub(in crate::ledger) fn make_job(
    tx: &mut Transaction<'_>,
    endpoint: &EndpointName,
    mail: i64,
    held: Option<&(Reason, String)>,
) -> Result<(), Error> {
    let state = if held.is_some() { State::Held } else { State::Queued };
    let (reason, detail) = held.map(|(reason, detail)| (reason.code(), capped(detail))).unzip();
    let row = tx
        .db
        .prepare(
            "INSERT INTO job (uuid, mail, endpoint, state, due, reason, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .insert(params![
            JobId(Uuid::now_v7()),
            mail,
            endpoint.as_str(),
            state,
            tx.now,
            reason,
            detail
        ])?;
    note::new_job(tx, row, state)?;
    tx.after.endpoints.insert(endpoint.clone());
    Ok(())
}
