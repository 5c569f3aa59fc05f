//! The last good versions of configuration files.

use crate::ledger::{
    Error, SealedVersion,
    db::{SqlEngine, params},
    values::{instant, micros},
};

pub(in crate::ledger) fn all(db: &dyn SqlEngine) -> Result<Vec<SealedVersion>, Error> {
    let query = db.prepare("SELECT file, number, sealed, beside, taken FROM file_version ORDER BY file, number");
    let rows = query.query_map((), |row| {
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
    db: &dyn SqlEngine,
    keep: &[SealedVersion],
    dropped: &[(String, i64)],
) -> Result<(), Error> {
    for (file, number) in dropped {
        db.prepare("DELETE FROM file_version WHERE file = ?1 AND number = ?2")
            .execute(params![file, number])?;
    }
    for version in keep {
        db.prepare(
            "INSERT INTO file_version (file, number, sealed, beside, taken) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (file, number) DO UPDATE SET sealed = excluded.sealed, beside = excluded.beside, taken = excluded.taken",
        )
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
