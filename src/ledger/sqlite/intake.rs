//! Taking mails: pieces of large ones first, then mail, place, job and cursor together.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::{
    savepoint::Desk,
    settle,
    values::{PIECE, capped, micros, signed},
};
use crate::{
    config::EndpointName,
    job::{JobId, Reason, state::State},
    ledger::{Error, Intake, MailId, NewMail, Raw, Taken, UploadId},
};

/// Pieces that a mail may have.
const PIECES: i64 = 1 << 16;

/// The rows that may hold a mail's bytes, both included.
pub(super) fn pieces(mail: i64) -> (i64, i64) {
    (mail * PIECES, mail * PIECES + PIECES - 1)
}

/// Whether a mail's bytes are still there.
pub(super) fn has_bytes(db: &Connection, mail: i64) -> Result<bool, Error> {
    let (first, last) = pieces(mail);
    let mut query = db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM chunk WHERE id BETWEEN ?2 AND ?3) OR EXISTS (SELECT 1 FROM mail WHERE id = ?1 AND size = 0)",
    )?;
    Ok(query.query_row([mail, first, last], |row| row.get(0))?)
}

/// Stores one piece of a large mail.
pub(super) fn upload(desk: &Desk<'_>, upload: UploadId, index: u32, piece: &[u8]) -> Result<(), Error> {
    let mail = match uploading(desk.db, upload)? {
        Some(mail) => mail,
        None if index == 0 => begin_upload(desk, upload)?,
        None => return Err(missing(upload)),
    };
    store(desk.db, mail, i64::from(index), piece)
}

fn uploading(db: &Connection, upload: UploadId) -> Result<Option<i64>, Error> {
    let mut query = db.prepare_cached("SELECT mail FROM upload WHERE uuid = ?")?;
    Ok(query.query_row([upload.0.as_bytes()], |row| row.get(0)).optional()?)
}

fn begin_upload(desk: &Desk<'_>, upload: UploadId) -> Result<i64, Error> {
    let mail = next_mail(desk.db)?;
    desk.db
        .prepare_cached("INSERT INTO upload (mail, uuid, started) VALUES (?1, ?2, ?3)")?
        .execute(params![mail, upload.0.as_bytes(), desk.now])?;
    Ok(mail)
}

/// The id of the next mail: its bytes may come before its row.
fn next_mail(db: &Connection) -> Result<i64, Error> {
    let mut query = db.prepare_cached(
        "SELECT 1 + max(ifnull((SELECT max(id) FROM mail), 0), ifnull((SELECT max(mail) FROM upload), 0))",
    )?;
    Ok(query.query_row([], |row| row.get(0))?)
}

fn store(db: &Connection, mail: i64, index: i64, piece: &[u8]) -> Result<(), Error> {
    if index >= PIECES {
        return Err(Error::Engine(format!("a mail has more than {PIECES} pieces")));
    }
    db.prepare_cached("INSERT OR REPLACE INTO chunk (id, data) VALUES (?1, ?2)")?
        .execute(params![mail * PIECES + index, piece])?;
    Ok(())
}

fn missing(upload: UploadId) -> Error {
    Error::Missing(format!("upload {}", upload.0.simple()))
}

/// Drops the bytes of a mail; says how many.
pub(super) fn drop_bytes(db: &Connection, mail: i64) -> Result<u64, Error> {
    let (first, last) = pieces(mail);
    let size: i64 = db
        .prepare_cached("SELECT ifnull(sum(length(data)), 0) FROM chunk WHERE id BETWEEN ?1 AND ?2")?
        .query_row([first, last], |row| row.get(0))?;
    db.prepare_cached("DELETE FROM chunk WHERE id BETWEEN ?1 AND ?2")?
        .execute([first, last])?;
    Ok(size.unsigned_abs())
}

/// Takes mails and moves the cursor.
pub(super) fn take(desk: &mut Desk<'_>, intake: Intake) -> Result<Taken, Error> {
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
        match known(desk.db, mailbox, &mail)? {
            Some(Known::Here) => taken.known += 1,
            Some(Known::Elsewhere(id)) => {
                note_place(desk, mailbox, &mail, id)?;
                // It may have ended already: then its last touch is due here too.
                settle::conclude(desk, id)?;
                taken.known += 1;
            }
            None => {
                let id = store_mail(desk, mailbox, &mail)?;
                note_place(desk, mailbox, &mail, id)?;
                for endpoint in &intake.endpoints {
                    make_job(desk, endpoint, id, mail.held.as_ref())?;
                }
                if let Raw::Inline(bytes) = mail.raw {
                    desk.after.fresh.push((MailId(id), bytes));
                }
                taken.new += 1;
                continue;
            }
        }
        if let Raw::Uploaded { upload, .. } = mail.raw {
            abandon(desk.db, upload)?;
        }
    }
    Ok(taken)
}

/// Where a mail was seen before.
enum Known {
    /// At this very place.
    Here,
    /// At another place of the same mailbox; its row.
    Elsewhere(i64),
}

fn known(db: &Connection, mailbox: i64, mail: &NewMail) -> Result<Option<Known>, Error> {
    let place = mail.place;
    // A server that was restored from a backup may give a known UID to another mail: same bytes or same header, or it is new.
    let here = db
        .prepare_cached(
            "SELECT m.sha256 = ?4 OR m.header_key IS ?5 FROM place p JOIN mail m ON m.id = p.mail
             WHERE p.mailbox = ?1 AND p.uid_validity = ?2 AND p.uid = ?3",
        )?
        .query_row(
            params![mailbox, place.uid_validity, place.uid, mail.sha256, mail.header_key],
            |row| row.get(0),
        )
        .optional()?;
    if here == Some(true) {
        return Ok(Some(Known::Here));
    }
    let same_bytes = db
        .prepare_cached("SELECT id FROM mail WHERE mailbox = ?1 AND sha256 = ?2")?
        .query_row(params![mailbox, mail.sha256], |row| row.get(0))
        .optional()?;
    let Some(key) = mail.header_key.filter(|_| same_bytes.is_none()) else {
        return Ok(same_bytes.map(Known::Elsewhere));
    };
    // Each known mail stands for one mail of the new UIDVALIDITY: two that share their header stay two.
    let same_header = db
        .prepare_cached(
            "SELECT id FROM mail m WHERE mailbox = ?1 AND header_key = ?2
             AND NOT EXISTS (SELECT 1 FROM place WHERE mail = m.id AND uid_validity = ?3) ORDER BY id LIMIT 1",
        )?
        .query_row(params![mailbox, key, place.uid_validity], |row| row.get(0))
        .optional()?;
    Ok(same_header.map(Known::Elsewhere))
}

fn store_mail(desk: &Desk<'_>, mailbox: i64, mail: &NewMail) -> Result<i64, Error> {
    let (id, size) = match &mail.raw {
        Raw::Inline(bytes) => (store_bytes(desk.db, bytes)?, signed(bytes.len())),
        Raw::Uploaded { upload, size } => (claim_upload(desk.db, *upload, *size)?, signed(*size)),
    };
    desk.db
        .prepare_cached(
            "INSERT INTO mail (id, mailbox, sha256, header_key, size, received, taken)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            id,
            mailbox,
            mail.sha256,
            mail.header_key,
            size,
            mail.received.map(micros),
            desk.now
        ])?;
    Ok(id)
}

fn store_bytes(db: &Connection, bytes: &Bytes) -> Result<i64, Error> {
    let id = next_mail(db)?;
    for (index, piece) in (0..).zip(bytes.chunks(PIECE)) {
        store(db, id, index, piece)?;
    }
    Ok(id)
}

/// Makes an upload's pieces the bytes of a mail. They must be whole.
fn claim_upload(db: &Connection, upload: UploadId, size: u64) -> Result<i64, Error> {
    let mail = uploading(db, upload)?.ok_or_else(|| missing(upload))?;
    let (first, last) = pieces(mail);
    let (stored, count, highest): (i64, i64, i64) = db
        .prepare_cached(
            "SELECT ifnull(sum(length(data)), 0), count(*), ifnull(max(id), 0) FROM chunk WHERE id BETWEEN ?1 AND ?2",
        )?
        .query_row([first, last], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    if stored != signed(size) || highest - first + 1 != count {
        return Err(Error::Missing(format!(
            "a part of upload {}: {size} bytes were promised, {stored} are stored in {count} pieces",
            upload.0.simple()
        )));
    }
    db.prepare_cached("DELETE FROM upload WHERE mail = ?")?
        .execute([mail])?;
    Ok(mail)
}

fn abandon(db: &Connection, upload: UploadId) -> Result<(), Error> {
    if let Some(mail) = uploading(db, upload)? {
        drop_upload(db, mail)?;
    }
    Ok(())
}

/// Drops an upload that nobody will take.
pub(super) fn drop_upload(db: &Connection, mail: i64) -> Result<u64, Error> {
    let freed = drop_bytes(db, mail)?;
    db.prepare_cached("DELETE FROM upload WHERE mail = ?")?
        .execute([mail])?;
    Ok(freed)
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
pub(super) fn make_job(
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
