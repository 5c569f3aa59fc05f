//! Where the ledger is. Only the room `ledger` knows what kind of place that is: whoever else has an address asks it.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

/// How URLs of PostgreSQL begin.
const POSTGRES: [&str; 2] = ["postgres://", "postgresql://"];

/// Where the ledger is: a file of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LedgerAddress {
    file: PathBuf,
}

/// Why a text is no address of a ledger. Never shows the text: a URL may have a password in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoLedgerAddress {
    /// It is that of a PostgreSQL database.
    #[error("names a PostgreSQL database, which is not supported yet")]
    Postgres,
    /// It is a URL of another kind.
    #[error("is a URL, and no ledger can be there")]
    Url,
    /// SQLite's word for a database that is kept nowhere.
    #[error("is kept in memory alone, and a ledger has to last")]
    Memory,
}

impl LedgerAddress {
    /// A ledger in this file, whatever its name looks like.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { file: path.into() }
    }

    /// The address that is written so; a relative path starts at this folder.
    ///
    /// # Errors
    /// When no ledger can be there.
    pub fn parse(written: &str, folder: &Path) -> Result<Self, NoLedgerAddress> {
        let begins = |scheme: &&str| {
            let head = written.get(..scheme.len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(scheme))
        };
        if POSTGRES.iter().any(begins) {
            return Err(NoLedgerAddress::Postgres);
        }
        if written.contains("://") {
            return Err(NoLedgerAddress::Url);
        }
        if written.starts_with(':') || written.starts_with("file:") {
            return Err(NoLedgerAddress::Memory);
        }
        Ok(Self::file(folder.join(written)))
    }

    /// Whether there is a ledger. One that can't be looked at counts as none.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.file.exists()
    }

    /// The same, where it matters that it can't be looked at.
    ///
    /// # Errors
    /// What the system says.
    pub fn try_exists(&self) -> io::Result<bool> {
        self.file.try_exists()
    }

    /// The same address, wherever a process works.
    #[must_use]
    pub fn absolute(&self) -> Self {
        Self::file(std::path::absolute(&self.file).unwrap_or_else(|_| self.file.clone()))
    }

    /// What the files of this machine lie beside that belong to the ledger and are not in it, and are named after: key, token, and what
    /// commands work with.
    #[must_use]
    pub fn base(&self) -> &Path {
        &self.file
    }

    /// The file, for the engine that has it; nobody else asks.
    #[must_use]
    pub fn engine_file(&self) -> &Path {
        &self.file
    }
}

impl fmt::Display for LedgerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.file.display().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_path_and_no_url() {
        use NoLedgerAddress::{Memory, Postgres, Url};
        for (written, expected) in [
            ("mailjob.db", Ok("/etc/mailjob.db")),
            ("/var/lib/mailjob/mailjob.db", Ok("/var/lib/mailjob/mailjob.db")),
            ("postgres", Ok("/etc/postgres")),
            ("postgres:/x", Ok("/etc/postgres:/x")),
            ("postgres://mailjob:hunter2@db/mailjob", Err(Postgres)),
            ("PostgreSQL://db/mailjob", Err(Postgres)),
            ("mysql://db/mailjob", Err(Url)),
            ("file:///var/lib/mailjob.db", Err(Url)),
            (":memory:", Err(Memory)),
            ("file::memory:?cache=shared", Err(Memory)),
        ] {
            let found = LedgerAddress::parse(written, Path::new("/etc"));
            assert_eq!(found, expected.map(LedgerAddress::file), "{written}");
            if let Err(error) = found {
                assert!(!error.to_string().contains("hunter2"));
            }
        }
    }

    #[test]
    fn it_is_shown_as_it_is_written() {
        let address = LedgerAddress::file("mailjob.db");
        assert_eq!(address.to_string(), "mailjob.db");
        assert!(Path::new(&address.absolute().to_string()).is_absolute());
    }
}
