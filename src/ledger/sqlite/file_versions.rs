//! The last good versions of configuration files.

use std::path::Path;

use async_trait::async_trait;
use rusqlite::{Connection, params};

use super::{
    Sqlite, inspect,
    values::{instant, micros},
};
use crate::ledger::{Error, SealedVersion, VersionTable};

/// The versions of a ledger that another process may have open. Changes nothing, not even an older schema.
///
/// # Errors
/// When there is no such ledger, it can't be read, or an older Mailjob wrote it that kept none.
pub(in crate::ledger) async fn versions_beside(path: &Path) -> Result<Vec<SealedVersion>, Error> {
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || all(&inspect::beside(&path)?));
    read.await
        .map_err(|error| Error::Engine(format!("the ledger was not looked at: {error}")))?
}

#[async_trait]
impl VersionTable for Sqlite {
    async fn versions(&self) -> Result<Vec<SealedVersion>, Error> {
        self.readers.read(all).await
    }

    async fn revise(&self, keep: Vec<SealedVersion>, dropped: Vec<(String, i64)>) -> Result<(), Error> {
        let size = keep.iter().map(|version| version.sealed.len()).sum();
        self.post.ask(size, move |desk| revise(desk.db, &keep, &dropped)).await
    }
}

fn all(db: &Connection) -> Result<Vec<SealedVersion>, Error> {
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

fn revise(db: &Connection, keep: &[SealedVersion], dropped: &[(String, i64)]) -> Result<(), Error> {
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
