//! Lock files that say who holds them. The ledger has one beside it, held for as long as the writer lives: one process at a time.

use std::{
    ffi::OsString,
    fs::{File, OpenOptions, TryLockError},
    io::{ErrorKind, Read, Seek, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use chrono::{DateTime, SecondsFormat, Utc};

use crate::ledger::Error;

/// The longest holder's name that is read, in bytes.
const HOLDER: u64 = 512;

/// How long the ledger's lock is waited for: a command beside a process that starts has it for a moment, where the schema has to be
/// made or brought up to date.
const PATIENCE: Duration = Duration::from_secs(2);
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// What trying to hold a lock file came to.
pub(in crate::ledger) enum LockAttempt {
    /// It is ours until the file is dropped.
    Held(File),
    /// Somebody else holds it: who, as far as it said.
    Busy(String),
}

/// Takes the ledger's lock; it is gone when the file is dropped or the process ends, however it ends. Blocks for [`PATIENCE`]
/// while somebody has it.
pub(in crate::ledger) fn acquire(ledger: &Path, now: DateTime<Utc>) -> Result<File, Error> {
    let until = Instant::now() + PATIENCE;
    loop {
        match hold(&beside(ledger), now)? {
            LockAttempt::Held(file) => return Ok(file),
            LockAttempt::Busy(_) if Instant::now() < until => thread::sleep(PAUSE),
            LockAttempt::Busy(holder) => {
                return Err(Error::InUse {
                    path: ledger.display().to_string(),
                    holder,
                });
            }
        }
    }
}

/// Tries once to hold a lock file, which is made where it is missing, and writes into it who has it.
pub(in crate::ledger) fn hold(path: &Path, now: DateTime<Utc>) -> Result<LockAttempt, Error> {
    let failed = |error: std::io::Error| Error::Engine(format!("the lock file {}: {error}", path.display()));
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(LockAttempt::Busy(holder(&mut file))),
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    let words = format!(
        "process {} on {} since {}\n",
        std::process::id(),
        host(),
        now.to_rfc3339_opts(SecondsFormat::Secs, true)
    );
    let written = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| file.write_all(words.as_bytes()));
    // On a full disk it is held without a name.
    if let Err(error) = written {
        tracing::debug!(%error, "who holds it can't be written into the lock file {}", path.display());
    }
    Ok(LockAttempt::Held(file))
}

/// Who holds a lock file, which is not made where there is none.
pub(in crate::ledger) fn held(path: &Path) -> Result<Option<String>, Error> {
    let failed = |error: std::io::Error| Error::Engine(format!("the lock file {}: {error}", path.display()));
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(holder(&mut file))),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// The ledger's lock file.
pub(in crate::ledger) fn beside(ledger: &Path) -> PathBuf {
    let mut name = OsString::from(ledger);
    name.push(".lock");
    name.into()
}

/// Who holds it, as far as it said.
fn holder(file: &mut File) -> String {
    let mut words = String::new();
    let read = file.take(HOLDER).read_to_string(&mut words);
    let words: String = words.trim().chars().filter(|c| !c.is_control()).collect();
    if read.is_err() || words.is_empty() {
        "a process that did not say who it is".into()
    } else {
        words
    }
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
