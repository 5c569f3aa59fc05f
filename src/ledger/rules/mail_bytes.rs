//! The bytes of mails, in pieces: those of a large one come before its mail does.

use bytes::Bytes;

use super::{leases, transaction::Transaction};
use crate::ledger::{
    Error, UploadId, WatchedMailbox,
    db::{OptionalExtension, SqlEngine, params},
    lease::{UPLOAD_TERM, low},
    values::{PIECE, signed},
};

/// Pieces that a mail may have.
const PIECES: i64 = 1 << 16;

/// The rows that may hold a mail's bytes, both included.
pub(in crate::ledger) fn pieces(mail: i64) -> (i64, i64) {
    (mail * PIECES, mail * PIECES + PIECES - 1)
}

/// Whether a mail's bytes are still there.
pub(in crate::ledger) fn has_bytes(db: &dyn SqlEngine, mail: i64) -> Result<bool, Error> {
    let (first, last) = pieces(mail);
    let query = db.prepare(
        "SELECT EXISTS (SELECT 1 FROM chunk WHERE id BETWEEN ?2 AND ?3)
         OR EXISTS (SELECT 1 FROM mail WHERE id = ?1 AND size = 0 AND lacks IS NULL)",
    );
    Ok(query.query_row([mail, first, last], |row| row.get(0))?)
}

/// Stores one piece of a large mail.
pub(in crate::ledger) fn upload(
    tx: &Transaction<'_>,
    watch: &WatchedMailbox,
    upload: UploadId,
    index: u32,
    piece: &[u8],
) -> Result<(), Error> {
    let mail = match uploading(tx, watch, upload)? {
        Some((mail, until)) => {
            if until < tx.now + low(UPLOAD_TERM) {
                tx.db
                    .prepare("UPDATE upload SET until = ?2 WHERE mail = ?1")
                    .execute([mail, tx.now + UPLOAD_TERM])?;
            }
            mail
        }
        None if index == 0 => begin_upload(tx, watch, upload)?,
        None => return Err(missing(upload)),
    };
    store(tx.db, mail, i64::from(index), piece)
}

/// The mail that is coming, and until when it is waited for. What another owner began, or an earlier watch of ours, is none of this one's.
fn uploading(tx: &Transaction<'_>, watch: &WatchedMailbox, upload: UploadId) -> Result<Option<(i64, i64)>, Error> {
    leases::watched(tx, watch)?;
    let (_, found) = watch.judged_by(|_, fence| {
        let query = tx
            .db
            .prepare("SELECT mail, until FROM upload WHERE uuid = ?1 AND owner = ?2 AND fence = ?3");
        let row = query.query_row(params![upload.0.as_bytes(), tx.holder.owner.0, fence.0], |row| {
            Ok((row.get(0)?, row.get(1)?))
        });
        Ok(row.optional()?)
    })?;
    Ok(found)
}

fn begin_upload(tx: &Transaction<'_>, watch: &WatchedMailbox, upload: UploadId) -> Result<i64, Error> {
    let mail = next_mail(tx.db)?;
    watch.judged_by(|_, fence| {
        let (owner, until) = (tx.holder.owner.0, tx.now + UPLOAD_TERM);
        let begin = tx
            .db
            .prepare("INSERT INTO upload (mail, uuid, started, owner, until, fence) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
        Ok(begin.execute(params![mail, upload.0.as_bytes(), tx.now, owner, until, fence.0])?)
    })?;
    tx.holder.claims(tx.now);
    Ok(mail)
}

/// The id of the next mail: its bytes may come before its row.
pub(in crate::ledger) fn next_mail(db: &dyn SqlEngine) -> Result<i64, Error> {
    Ok(db.next_mail()?)
}

fn store(db: &dyn SqlEngine, mail: i64, index: i64, piece: &[u8]) -> Result<(), Error> {
    if index >= PIECES {
        return Err(Error::Engine(format!("a mail has more than {PIECES} pieces")));
    }
    db.prepare("INSERT INTO chunk (id, data) VALUES (?1, ?2) ON CONFLICT (id) DO UPDATE SET data = excluded.data")
        .execute(params![mail * PIECES + index, piece])?;
    Ok(())
}

fn missing(upload: UploadId) -> Error {
    Error::Missing(format!("upload {}", upload.0.simple()))
}

/// Drops the bytes of a mail; says how many.
pub(in crate::ledger) fn drop_bytes(db: &dyn SqlEngine, mail: i64) -> Result<u64, Error> {
    let (first, last) = pieces(mail);
    let size: i64 = db
        .prepare("SELECT coalesce(sum(length(data)), 0) FROM chunk WHERE id BETWEEN ?1 AND ?2")
        .query_row([first, last], |row| row.get(0))?;
    db.prepare("DELETE FROM chunk WHERE id BETWEEN ?1 AND ?2")
        .execute([first, last])?;
    Ok(size.unsigned_abs())
}

pub(in crate::ledger) fn store_bytes(db: &dyn SqlEngine, bytes: &Bytes) -> Result<i64, Error> {
    let id = next_mail(db)?;
    store_at(db, id, bytes)?;
    Ok(id)
}

/// Stores the bytes of this mail.
pub(in crate::ledger) fn store_at(db: &dyn SqlEngine, mail: i64, bytes: &Bytes) -> Result<(), Error> {
    for (index, piece) in (0..).zip(bytes.chunks(PIECE)) {
        store(db, mail, index, piece)?;
    }
    Ok(())
}

/// Makes an upload's pieces the bytes of a mail. They must be whole.
pub(in crate::ledger) fn claim_upload(
    tx: &Transaction<'_>,
    watch: &WatchedMailbox,
    upload: UploadId,
    size: u64,
) -> Result<i64, Error> {
    let db = tx.db;
    let (mail, _) = uploading(tx, watch, upload)?.ok_or_else(|| missing(upload))?;
    let (first, last) = pieces(mail);
    let (stored, count, highest): (i64, i64, i64) = db
        .prepare(
            "SELECT coalesce(sum(length(data)), 0), count(*), coalesce(max(id), 0) FROM chunk WHERE id BETWEEN ?1 AND ?2",
        )
        .query_row([first, last], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    if stored != signed(size) || highest - first + 1 != count {
        return Err(Error::Missing(format!(
            "a part of upload {}: {size} bytes were promised, {stored} are stored in {count} pieces",
            upload.0.simple()
        )));
    }
    db.prepare("DELETE FROM upload WHERE mail = ?").execute([mail])?;
    Ok(mail)
}

/// Drops the pieces of a mail that nobody will take.
pub(in crate::ledger) fn abandon(tx: &Transaction<'_>, watch: &WatchedMailbox, upload: UploadId) -> Result<(), Error> {
    if let Some((mail, _)) = uploading(tx, watch, upload)? {
        drop_upload(tx.db, mail)?;
    }
    Ok(())
}

/// Drops an upload that nobody will take.
pub(in crate::ledger) fn drop_upload(db: &dyn SqlEngine, mail: i64) -> Result<u64, Error> {
    let freed = drop_bytes(db, mail)?;
    db.prepare("DELETE FROM upload WHERE mail = ?").execute([mail])?;
    Ok(freed)
}
