//! The ledger as one value: [`open`] makes it for the process that runs, [`beside`] for a command beside that process. Nobody outside this
//! room knows which engine there is, or what kind of place its address names.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Clock, Copying, Countable, Error, Inspection, JobTable, Ledger, NoticeTable, ReplyTable, SealedVersion,
    SignInTable, Upkeep, VersionTable, sqlite,
};
pub use crate::config::LedgerAddress as Address;
use crate::{metrics::Commits, status};

/// All that an engine can do for the process that runs.
trait Engine: Ledger + JobTable + ReplyTable + SignInTable + NoticeTable + Countable + VersionTable + Upkeep {}

impl<E> Engine for E where
    E: Ledger + JobTable + ReplyTable + SignInTable + NoticeTable + Countable + VersionTable + Upkeep
{
}

/// What an engine can do for a command beside the process that runs: the same, but for what that process alone does.
trait ExternalEngine: JobTable + ReplyTable + SignInTable + Countable {}

impl<E> ExternalEngine for E where E: JobTable + ReplyTable + SignInTable + Countable {}

/// The ledger of the process that runs. Cheap to clone. [`Upkeep::close`] gives it up in order.
#[derive(Clone)]
pub struct Store {
    address: Address,
    engine: Arc<dyn Engine>,
}

/// Opens the ledger, or makes it, and puts right what a process left that died. What is committed is counted.
///
/// # Errors
/// [`Error::InUse`] when another process has it, [`Error::Newer`] when a newer Mailjob wrote it, else what keeps it from being opened.
pub async fn open(address: &Address, clock: impl Into<Clock>, commits: Commits) -> Result<Store, Error> {
    let engine = sqlite::open_counted(address.engine_file(), clock, commits).await?;
    Ok(Store {
        address: address.clone(),
        engine: Arc::new(engine),
    })
}

impl Store {
    /// Where it is.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// For the loops.
    #[must_use]
    pub fn ledger(&self) -> Arc<dyn Ledger> {
        self.engine.clone()
    }

    /// For whoever steers jobs.
    #[must_use]
    pub fn jobs(&self) -> Arc<dyn JobTable> {
        self.engine.clone()
    }

    /// For whoever steers replies.
    #[must_use]
    pub fn replies(&self) -> Arc<dyn ReplyTable> {
        self.engine.clone()
    }

    /// For whoever signs in.
    #[must_use]
    pub fn sign_ins(&self) -> Arc<dyn SignInTable> {
        self.engine.clone()
    }

    /// For notices to the operator.
    #[must_use]
    pub fn notices(&self) -> Arc<dyn NoticeTable> {
        self.engine.clone()
    }

    /// For whoever counts.
    #[must_use]
    pub fn counts(&self) -> Arc<dyn Countable> {
        self.engine.clone()
    }

    /// For the last good versions of files.
    #[must_use]
    pub fn versions(&self) -> Arc<dyn VersionTable> {
        self.engine.clone()
    }

    /// For whoever keeps it in order.
    #[must_use]
    pub fn upkeep(&self) -> Arc<dyn Upkeep> {
        self.engine.clone()
    }
}

/// A ledger that another process may have open: each look and each change stands alone. Cheap to clone.
#[derive(Clone)]
pub struct ExternalStore {
    engine: Arc<dyn ExternalEngine>,
}

/// The ledger for a command beside the process that runs. Brings the schema up to date where nobody has it open; never makes one.
///
/// # Errors
/// [`Error::NoLedger`] where there is none, [`Error::Newer`] when a newer Mailjob wrote it, [`Error::Older`] when an older one has it open,
/// else what keeps it from being opened.
pub async fn beside(address: &Address) -> Result<ExternalStore, Error> {
    Ok(ExternalStore {
        engine: Arc::new(sqlite::ExternalSqlite::open(address.engine_file()).await?),
    })
}

impl ExternalStore {
    /// For whoever steers jobs.
    #[must_use]
    pub fn jobs(&self) -> Arc<dyn JobTable> {
        self.engine.clone()
    }

    /// For whoever steers replies.
    #[must_use]
    pub fn replies(&self) -> Arc<dyn ReplyTable> {
        self.engine.clone()
    }

    /// For whoever signs in.
    #[must_use]
    pub fn sign_ins(&self) -> Arc<dyn SignInTable> {
        self.engine.clone()
    }

    /// For whoever counts.
    #[must_use]
    pub fn counts(&self) -> Arc<dyn Countable> {
        self.engine.clone()
    }
}

/// The last good versions of files in a ledger that another process may have open. Changes nothing, not even an older schema.
///
/// # Errors
/// When there is no such ledger, it can't be read, or an older Mailjob wrote it that kept none.
pub async fn versions_beside(address: &Address) -> Result<Vec<SealedVersion>, Error> {
    sqlite::versions_beside(address.engine_file()).await
}

/// Looks for damage, dangling references and impossible states. Changes nothing; another process may write meanwhile.
///
/// # Errors
/// [`Error::NoLedger`] where there is none, else when it can't be read.
pub async fn inspect(address: &Address) -> Result<Inspection, Error> {
    sqlite::inspect(address.engine_file()).await
}

/// Copies a ledger to a file that isn't there yet, and checks the copy. `tell` hears now and then how far it is.
///
/// # Errors
/// [`Error::NoLedger`] where there is none, [`Error::Newer`] when a newer Mailjob wrote it, else what the disk said: then there is no
/// copy.
pub async fn backup(address: &Address, to: &Path, tell: impl Fn(Copying) + Send) -> Result<Inspection, Error> {
    sqlite::backup(address.engine_file(), to, tell).await
}

/// Copies a ledger into a stream: first whole into a file of `folder` that goes away, so that what comes out is one state, and checked.
/// Where no folder is named, that lies beside the ledger, or in the usual temporary folder where there is no room beside it.
///
/// # Errors
/// As [`backup`], and when not all of it could be written.
pub async fn backup_into(
    address: &Address,
    folder: Option<PathBuf>,
    out: impl Write + Send + 'static,
    tell: impl Fn(Copying) + Send,
) -> Result<Inspection, Error> {
    let file = address.engine_file();
    let beside = file.parent().filter(|folder| *folder != Path::new(""));
    let beside = beside.unwrap_or(Path::new("."));
    let Some(folder) = folder else {
        let usual = std::env::temp_dir();
        return sqlite::backup_into(file, &[beside, &usual], out, tell).await;
    };
    sqlite::backup_into(file, &[&folder], out, tell).await
}

/// What will keep a start from using this ledger, as far as that can be seen without making or changing anything. That another process has
/// it is no fault of the configuration.
///
/// # Errors
/// What [`open()`] would say.
pub fn foresee(address: &Address) -> Result<(), Error> {
    sqlite::foresee(address.engine_file())
}

/// Whether a process has the ledger. Where that can't be known, one may have it.
#[must_use]
pub fn is_in_use(address: &Address) -> bool {
    sqlite::is_in_use(address.engine_file())
}

/// What room a ledger takes and has, which another process may have open. Looks at the disk.
#[must_use]
pub fn space(address: &Address) -> status::LedgerStatus {
    status::LedgerStatus {
        path: address.to_string(),
        ..sqlite::space::size_and_room(address.engine_file())
    }
}
