//! Taking mails: mail, place, job and cursor together.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::{
    lacking,
    mail_bytes::{abandon, claim_upload, next_mail, store_bytes},
    settle,
    transaction::Desk,
};
use crate::{
    config::EndpointName,
    job::{JobId, Reason, state::State},
    ledger::{
        Content, Error, Intake, MailId, NewMail, Raw, Taken,
        values::{capped, micros, signed},
    },
};

/// Takes mails and moves the cursor.
pub(in crate::ledger) fn take(desk: &mut Desk<'_>, intake: Intake) -> Result<Taken, Error> {
    let mailbox: i64 = desk
        .db
        .prepare_cached(
            "INSERT INTO mailbox (name, uid_validity, uid_next) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET uid_validity = excluded.uid_validity, uid_next = excluded.uid_next
             RETURNING id",
        )?
        .query_row(
            params![&*intake.mailbox.0, intake.cursor.uid_validity, intake.cursor.uid_next],
            |row| row.get(0),
        )?;
    let mut taken = Taken::default();
    for mail in intake.mails {
        let spare = match &mail.content {
            Content::Whole {
                raw: Raw::Uploaded { upload, .. },
                ..
            } => Some(*upload),
            Content::Whole { .. } => None,
            Content::Lacking(lack) => lack.upload,
        };
        match known(desk.db, mailbox, &mail)? {
            Some(seen) => {
                match again(desk, mailbox, &mail, seen)? {
                    true => taken.completed += 1,
                    false => taken.known += 1,
                }
                // Pieces that were needed are another mail's by now.
                spare.map_or(Ok(()), |upload| abandon(desk.db, upload))?;
            }
            None => {
                let id = store_mail(desk, mailbox, &mail)?;
                note_place(desk, mailbox, &mail, id)?;
                let held = match &mail.content {
                    Content::Whole { .. } => None,
                    Content::Lacking(lack) => Some((lack.reason, lack.detail.clone())),
                };
                for endpoint in &intake.endpoints {
                    make_job(desk, endpoint, id, held.as_ref())?;
                }
                taken.new += 1;
                match mail.content {
                    Content::Whole {
                        raw: Raw::Inline(bytes),
                        ..
                    } => desk.after.fresh.push((MailId(id), bytes)),
                    Content::Whole { .. } => {}
                    Content::Lacking(_) => spare.map_or(Ok(()), |upload| abandon(desk.db, upload))?,
                }
            }
        }
    }
    Ok(taken)
}

/// A mail that is known, seen again. Says whether it lacked bytes and is whole now.
fn again(desk: &mut Desk<'_>, mailbox: i64, mail: &NewMail, seen: Seen) -> Result<bool, Error> {
    if !seen.here {
        note_place(desk, mailbox, mail, seen.id)?;
    }
    let completes = match &mail.content {
        Content::Whole { .. } => seen.lacks && has_open_job(desk.db, seen.id)?,
        Content::Lacking(lack) => {
            if seen.here && seen.lacks {
                lacking::unfetched(desk, seen.id, lack)?;
            }
            false
        }
    };
    if completes {
        lacking::complete(desk, mailbox, seen.id, mail)?;
    } else if !seen.here {
        // It may have ended already: then its last touch is due here too.
        settle::conclude(desk, seen.id)?;
    }
    Ok(completes)
}

fn has_open_job(db: &Connection, mail: i64) -> Result<bool, Error> {
    let mut query = db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM job WHERE mail = ? AND state NOT IN ('done', 'failed', 'ignored'))",
    )?;
    Ok(query.query_row([mail], |row| row.get(0))?)
}

/// A mail that was seen before.
struct Seen {
    id: i64,
    /// At this very place; else at another of the same mailbox.
    here: bool,
    /// We don't hold all of its bytes.
    lacks: bool,
}

/// What is known of a mail that has the place of another.
struct Present {
    id: i64,
    sha256: Vec<u8>,
    header_key: Option<Vec<u8>>,
    told: Option<u64>,
    lacks: bool,
}

impl Present {
    /// Whether the mail is this one. A server that was restored from a backup may give a known UID to another mail: same bytes or same
    /// header, or it is new. Where there is no header to compare, the size that the server tells says whether it is another.
    fn is(&self, mail: &NewMail) -> bool {
        let same_told = self.told.zip(mail.told).is_none_or(|(known, new)| known == new);
        let same_bytes = match &mail.content {
            Content::Whole { sha256, .. } => !self.lacks && self.sha256 == *sha256,
            Content::Lacking(_) => false,
        };
        let one_lacks = self.lacks || matches!(mail.content, Content::Lacking(_));
        same_bytes
            || match (&self.header_key, &mail.header_key) {
                (Some(known), Some(new)) => known == new,
                // Of what lacks bytes, the header may be among what lacks.
                (None, Some(_)) | (Some(_), None) => one_lacks && (self.lacks || same_told),
                (None, None) => same_told || self.lacks,
            }
    }
}

fn known(db: &Connection, mailbox: i64, mail: &NewMail) -> Result<Option<Seen>, Error> {
    let place = mail.place;
    let present = db
        .prepare_cached(
            "SELECT m.id, m.sha256, m.header_key, m.told, m.lacks IS NOT NULL FROM place p JOIN mail m ON m.id = p.mail
             WHERE p.mailbox = ?1 AND p.uid_validity = ?2 AND p.uid = ?3",
        )?
        .query_row(params![mailbox, place.uid_validity, place.uid], |row| {
            Ok(Present {
                id: row.get(0)?,
                sha256: row.get(1)?,
                header_key: row.get(2)?,
                told: row.get::<_, Option<i64>>(3)?.map(i64::unsigned_abs),
                lacks: row.get(4)?,
            })
        })
        .optional()?;
    if let Some(present) = present.filter(|present| present.is(mail)) {
        return Ok(Some(Seen {
            id: present.id,
            here: true,
            lacks: present.lacks,
        }));
    }
    if let Some(id) = same_content(db, mailbox, mail)? {
        return Ok(Some(Seen {
            id,
            here: false,
            lacks: false,
        }));
    }
    match same_header(db, mailbox, mail)? {
        Some(seen) => Ok(Some(seen)),
        None => same_arrival(db, mailbox, mail),
    }
}

/// A mail that has the very same bytes, as far as the server agrees: no two mails are one because both are empty or blank, unless they
/// arrived in the same second and have the size that the server tells; nor where it tells another size for each.
pub(in crate::ledger) fn same_content(db: &Connection, mailbox: i64, mail: &NewMail) -> Result<Option<i64>, Error> {
    let Content::Whole { raw, sha256 } = &mail.content else {
        return Ok(None);
    };
    let says_nothing = match raw {
        Raw::Inline(bytes) if bytes.is_empty() => return Ok(None),
        Raw::Inline(bytes) => bytes.iter().all(u8::is_ascii_whitespace),
        Raw::Uploaded { .. } => false,
    };
    let mut query = db.prepare_cached(
        "SELECT id FROM mail WHERE mailbox = ?1 AND sha256 = ?2 AND lacks IS NULL AND (told IS NULL OR ?3 IS NULL OR told = ?3)
         AND (NOT ?4 OR (told = size AND told = ?3 AND received = ?5))
         ORDER BY id LIMIT 1",
    )?;
    let (told, received) = (mail.told.map(signed), mail.received.map(micros));
    let values = params![mailbox, sha256, told, says_nothing, received];
    Ok(query.query_row(values, |row| row.get(0)).optional()?)
}

/// A mail of another UIDVALIDITY that has the same header. Each known mail stands for one mail of the new UIDVALIDITY: two that share
/// their header stay two. Of one that comes without all of its bytes the header is not enough: the size must be the same too.
fn same_header(db: &Connection, mailbox: i64, mail: &NewMail) -> Result<Option<Seen>, Error> {
    let Some(key) = mail.header_key else { return Ok(None) };
    let mut query = db.prepare_cached(
        "SELECT id, lacks IS NOT NULL FROM mail m WHERE mailbox = ?1 AND header_key = ?2
         AND NOT EXISTS (SELECT 1 FROM place WHERE mail = m.id AND uid_validity = ?3) AND (?4 OR lacks IS NOT NULL OR told = ?5)
         ORDER BY id LIMIT 1",
    )?;
    let whole = matches!(mail.content, Content::Whole { .. });
    let values = params![mailbox, key, mail.place.uid_validity, whole, mail.told.map(signed)];
    let found = query.query_row(values, |row| {
        Ok(Seen {
            id: row.get(0)?,
            here: false,
            lacks: row.get(1)?,
        })
    });
    Ok(found.optional()?)
}

/// A mail of another UIDVALIDITY of which we have no byte, and that arrived in the same second with the same size. As with headers, each
/// stands for one mail of the new UIDVALIDITY.
fn same_arrival(db: &Connection, mailbox: i64, mail: &NewMail) -> Result<Option<Seen>, Error> {
    let (Some(told), Some(received)) = (mail.told, mail.received) else {
        return Ok(None);
    };
    let mut query = db.prepare_cached(
        "SELECT id FROM mail m WHERE mailbox = ?1 AND sha256 = x'' AND lacks IS NOT NULL AND header_key IS NULL
         AND told = ?2 AND received = ?3 AND NOT EXISTS (SELECT 1 FROM place WHERE mail = m.id AND uid_validity = ?4)
         ORDER BY id LIMIT 1",
    )?;
    let values = params![mailbox, signed(told), micros(received), mail.place.uid_validity];
    let found = query.query_row(values, |row| {
        Ok(Seen {
            id: row.get(0)?,
            here: false,
            lacks: true,
        })
    });
    Ok(found.optional()?)
}

fn store_mail(desk: &Desk<'_>, mailbox: i64, mail: &NewMail) -> Result<i64, Error> {
    let (id, size, sha256, lacks) = match &mail.content {
        Content::Whole { raw, sha256 } => {
            let (id, size) = match raw {
                Raw::Inline(bytes) => (store_bytes(desk.db, bytes)?, signed(bytes.len())),
                Raw::Uploaded { upload, size } => (claim_upload(desk.db, *upload, *size)?, signed(*size)),
            };
            (id, size, &sha256[..], None)
        }
        Content::Lacking(lack) => (
            next_mail(desk.db)?,
            signed(lack.size),
            &[][..],
            Some(capped(&lack.detail)),
        ),
    };
    desk.db
        .prepare_cached(
            "INSERT INTO mail (id, mailbox, sha256, header_key, size, received, taken, told, lacks)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            id,
            mailbox,
            sha256,
            mail.header_key,
            size,
            mail.received.map(micros),
            desk.now,
            mail.told.map(signed),
            lacks
        ])?;
    Ok(id)
}

/// Notes where a mail is.
fn note_place(desk: &Desk<'_>, mailbox: i64, mail: &NewMail, id: i64) -> Result<(), Error> {
    desk.db
        .prepare_cached(
            "INSERT INTO place (mailbox, uid_validity, uid, mail, touch) VALUES (?1, ?2, ?3, ?4, 'waiting')
             ON CONFLICT DO UPDATE SET mail = excluded.mail, touch = excluded.touch",
        )?
        .execute(params![mailbox, mail.place.uid_validity, mail.place.uid, id])?;
    Ok(())
}

/// Makes a job, and wakes those who wait for it.
pub(in crate::ledger) fn make_job(
    desk: &mut Desk<'_>,
    endpoint: &EndpointName,
    mail: i64,
    held: Option<&(Reason, String)>,
) -> Result<(), Error> {
    let state = if held.is_some() { State::Held } else { State::Queued };
    let (reason, detail) = held.map(|(reason, detail)| (reason.code(), capped(detail))).unzip();
    desk.db
        .prepare_cached(
            "INSERT INTO job (uuid, mail, endpoint, state, due, reason, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            JobId(Uuid::now_v7()),
            mail,
            endpoint.as_str(),
            state,
            desk.now,
            reason,
            detail
        ])?;
    desk.after.endpoints.insert(endpoint.clone());
    Ok(())
}
