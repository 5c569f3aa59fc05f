//! Whether a mail was seen before: by its place, its bytes, its header, or when it came.

use crate::ledger::{
    Content, Error, NewMail, Raw,
    db::{OptionalExtension, SqlEngine, params},
    values::{micros, signed},
};

/// A mail that was seen before.
pub(in crate::ledger) struct SeenMail {
    pub(in crate::ledger) id: i64,
    /// At this very place; else at another of the same mailbox.
    pub(in crate::ledger) here: bool,
    /// We don't hold all of its bytes.
    pub(in crate::ledger) lacks: bool,
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

pub(in crate::ledger) fn known(db: &dyn SqlEngine, mailbox: i64, mail: &NewMail) -> Result<Option<SeenMail>, Error> {
    let place = mail.place;
    let present = db
        .prepare(
            "SELECT m.id, m.sha256, m.header_key, m.told, m.lacks IS NOT NULL FROM place p JOIN mail m ON m.id = p.mail
             WHERE p.mailbox = ?1 AND p.uid_validity = ?2 AND p.uid = ?3",
        )
        .query_row(params![mailbox, place.uid_validity, place.uid], |row| {
            Ok(Present {
                id: row.get(0)?,
                sha256: row.get(1)?,
                header_key: row.get(2)?,
                told: row.get::<Option<i64>>(3)?.map(i64::unsigned_abs),
                lacks: row.get(4)?,
            })
        })
        .optional()?;
    if let Some(present) = present.filter(|present| present.is(mail)) {
        return Ok(Some(SeenMail {
            id: present.id,
            here: true,
            lacks: present.lacks,
        }));
    }
    if let Some(id) = same_content(db, mailbox, mail)? {
        return Ok(Some(SeenMail {
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
pub(in crate::ledger) fn same_content(db: &dyn SqlEngine, mailbox: i64, mail: &NewMail) -> Result<Option<i64>, Error> {
    let Content::Whole { raw, sha256 } = &mail.content else {
        return Ok(None);
    };
    let says_nothing = match raw {
        Raw::Inline(bytes) if bytes.is_empty() => return Ok(None),
        Raw::Inline(bytes) => bytes.iter().all(u8::is_ascii_whitespace),
        Raw::Uploaded { .. } => false,
    };
    let query = db.prepare(
        "SELECT id FROM mail WHERE mailbox = ?1 AND sha256 = ?2 AND lacks IS NULL AND (told = ?3 OR told IS NULL OR ?3 IS NULL)
         AND (?4 = 0 OR (told = size AND told = ?3 AND received = ?5))
         ORDER BY id LIMIT 1",
    );
    let (told, received) = (mail.told.map(signed), mail.received.map(micros));
    let values = params![mailbox, sha256, told, says_nothing, received];
    Ok(query.query_row(values, |row| row.get(0)).optional()?)
}

/// A mail of another UIDVALIDITY that has the same header. Each known mail stands for one mail of the new UIDVALIDITY: two that share
/// their header stay two. Of one that comes without all of its bytes the header is not enough: the size must be the same too.
fn same_header(db: &dyn SqlEngine, mailbox: i64, mail: &NewMail) -> Result<Option<SeenMail>, Error> {
    let Some(key) = mail.header_key else { return Ok(None) };
    let query = db.prepare(
        "SELECT id, lacks IS NOT NULL FROM mail m WHERE mailbox = ?1 AND header_key = ?2
         AND NOT EXISTS (SELECT 1 FROM place WHERE mail = m.id AND uid_validity = ?3) AND (?4 = 1 OR lacks IS NOT NULL OR told = ?5)
         ORDER BY id LIMIT 1",
    );
    let (whole, told) = (matches!(mail.content, Content::Whole { .. }), mail.told.map(signed));
    let values = params![mailbox, key, mail.place.uid_validity, whole, told];
    let found = query.query_row(values, |row| {
        Ok(SeenMail {
            id: row.get(0)?,
            here: false,
            lacks: row.get(1)?,
        })
    });
    Ok(found.optional()?)
}

/// A mail of another UIDVALIDITY of which we have no byte, and that arrived in the same second with the same size. As with headers, each
/// stands for one mail of the new UIDVALIDITY.
fn same_arrival(db: &dyn SqlEngine, mailbox: i64, mail: &NewMail) -> Result<Option<SeenMail>, Error> {
    let (Some(told), Some(received)) = (mail.told, mail.received) else {
        return Ok(None);
    };
    let query = db.prepare(
        "SELECT id FROM mail m WHERE mailbox = ?1 AND sha256 = ?5 AND lacks IS NOT NULL AND header_key IS NULL
         AND told = ?2 AND received = ?3 AND NOT EXISTS (SELECT 1 FROM place WHERE mail = m.id AND uid_validity = ?4)
         ORDER BY id LIMIT 1",
    );
    let (told, received, no_hash) = (signed(told), micros(received), [0_u8; 0]);
    let values = params![mailbox, told, received, mail.place.uid_validity, no_hash];
    let found = query.query_row(values, |row| {
        Ok(SeenMail {
            id: row.get(0)?,
            here: false,
            lacks: true,
        })
    });
    Ok(found.optional()?)
}
