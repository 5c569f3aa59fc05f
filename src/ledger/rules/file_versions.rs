//! The last good versions of configuration files.

use rusqlite::{Connection, params};

use crate::ledger::{
    Error, SealedVersion,
    values::{instant, micros},
};

pub(in crate::ledger) fn all(db: &Connection) -> Result<Vec<SealedVersion>, Error> {
    let mut query = db.prepare("SELECT file, number, sealed, beside, taken FROM file_version ORDER BY file, number")?;
    let rows = query.query_map([], |row| {
        Ok(SealedVersion {
            file: row.get(0)?,
            number: row.get(1)?,
            sealed: row.get(2)?,
            beside: row.get(3)?,
            taken: instant(row.get(4)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(in crate::ledger) fn revise(
    db: &Connection,
    keep: &[SealedVersion],
    dropped: &[(String, i64)],
) -> Result<(), Error> {
    for (file, number) in dropped {
        db.prepare_cached("DELETE FROM file_version WHERE file = ?1 AND number = ?2")?
            .execute(params![file, number])?;
    }
    for version in keep {
        db.prepare_cached(
            "INSERT OR REPLACE INTO file_version (file, number, sealed, beside, taken) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            version.file,
            version.number,
            version.sealed,
            version.beside,
            micros(version.taken)
        ])?;
    }
    Ok(())
}
