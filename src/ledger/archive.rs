//! The last good versions of configuration files, sealed on their way into a ledger and opened on their way out.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::Error;
use crate::{
    auth::SealKey,
    config::versions::{FileText, KeptVersion, Revision, Version},
};

/// A version as the ledger keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedVersion {
    /// The endpoint's name, or that of the shared settings.
    pub file: String,
    /// Which of several.
    pub number: i64,
    /// The text, sealed with a key that is not in the ledger.
    pub sealed: Vec<u8>,
    /// The number of the shared settings beside which it was right.
    pub beside: Option<i64>,
    /// When it was taken into use.
    pub taken: DateTime<Utc>,
}

impl fmt::Debug for SealedVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedVersion")
            .field("file", &self.file)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// What a ledger can do for versions of files. Changes are durable on return.
#[async_trait]
pub trait VersionTable: Send + Sync + 'static {
    /// All that are kept.
    async fn versions(&self) -> Result<Vec<SealedVersion>, Error>;

    /// Keeps some, each in place of one of the same file and number, and drops others by file and number; all or nothing.
    async fn revise(&self, keep: Vec<SealedVersion>, dropped: Vec<(String, i64)>) -> Result<(), Error>;
}

/// A ledger's versions of files and the key to them.
#[derive(Clone)]
pub struct Archive {
    table: Arc<dyn VersionTable>,
    key: Arc<SealKey>,
}

impl Archive {
    /// The versions of this table under this key.
    #[must_use]
    pub fn new(table: Arc<dyn VersionTable>, key: Arc<SealKey>) -> Self {
        Self { table, key }
    }

    /// All that are kept, and the files whose version was sealed with another key.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn load(&self) -> Result<(Vec<KeptVersion>, Vec<String>), Error> {
        Ok(opened(self.table.versions().await?, &self.key))
    }

    /// Changes what is kept.
    ///
    /// # Errors
    /// When the ledger can't be written, or the system has no random numbers; then nothing changed.
    pub async fn revise(&self, revision: Revision) -> Result<(), Error> {
        let seal = |kept: KeptVersion| {
            let sealed = self.key.seal_text(&kept.file, kept.version.text.as_str());
            Some(SealedVersion {
                sealed: sealed?,
                file: kept.file,
                number: kept.number,
                beside: kept.version.beside,
                taken: kept.version.taken,
            })
        };
        let keep: Option<Vec<_>> = revision.keep.into_iter().map(seal).collect();
        let keep = keep.ok_or_else(|| Error::Engine("the system gives no random numbers".to_owned()))?;
        self.table.revise(keep, revision.dropped).await
    }
}

/// The versions that this key opens, and the files of the others.
#[must_use]
pub fn opened(rows: Vec<SealedVersion>, key: &SealKey) -> (Vec<KeptVersion>, Vec<String>) {
    let (mut kept, mut closed) = (Vec::new(), Vec::new());
    for row in rows {
        match key.open_text(&row.file, &row.sealed) {
            Some(text) => kept.push(KeptVersion {
                file: row.file,
                number: row.number,
                version: Version {
                    text: FileText::from(text.as_str()),
                    beside: row.beside,
                    taken: row.taken,
                },
            }),
            None => closed.push(row.file),
        }
    }
    (kept, closed)
}
