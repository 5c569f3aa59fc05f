//! Where the key of sealed tokens lies: a file or a variable, or a file beside the ledger that is made at the first start.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::seal::{BadSealKey, SealKey, new_key};
use crate::secret::{SecretError, SecretRef, kept};

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It can't be read.
    #[error("the key of the sign-ins: {0}; put the key where `key` in [service] points")]
    Read(#[from] SecretError),
    /// What is there is no key.
    #[error(
        "the key of the sign-ins in {place} {fault}: put back the one that was there, or make one by `openssl rand -base64 32`"
    )]
    Bad {
        /// The file or variable.
        place: String,
        /// What is wrong with it.
        fault: BadSealKey,
    },
    /// It can't be made.
    #[error("the key file {path} can't be made: {why}; let Mailjob write there, or write `key` in [service]")]
    Make {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
}

/// The key: where it is configured to be, else in a file beside the ledger, which is made when it is missing. A configured one
/// must be there.
///
/// Reads and writes files, and so blocks.
///
/// The file beside the ledger is ours: where others could read or change it, as when Kubernetes gave the files of a volume to a group, that is
/// taken from them.
///
/// # Errors
/// When it is missing, can't be read by us or a configured one can be read by others, is no key, or can't be made.
pub fn load(configured: Option<&SecretRef>, ledger: &Path) -> Result<SealKey, KeyError> {
    match configured {
        Some(place) => read(place),
        None => read_or_make(beside(ledger)),
    }
}

/// The key, as far as it is there: nothing where [`load`] would make it. So what refuses a start can do so before anything is made.
///
/// # Errors
/// When a configured one is missing, or what is there can't be read by us or can be read by others, or is no key.
pub fn known(configured: Option<&SecretRef>, ledger: &Path) -> Result<Option<SealKey>, KeyError> {
    match there(configured, ledger) {
        Err(KeyError::Read(SecretError::Read { source, .. }))
            if configured.is_none() && source.kind() == ErrorKind::NotFound =>
        {
            Ok(None)
        }
        found => found.map(Some),
    }
}

/// The key that is there already; none is made.
///
/// # Errors
/// When it is missing, can't be read by us or can be read by others, or is no key.
pub fn there(configured: Option<&SecretRef>, ledger: &Path) -> Result<SealKey, KeyError> {
    match configured {
        Some(place) => read(place),
        None => read(&SecretRef::File(beside(ledger))),
    }
}

/// Where the key is when nothing is configured: `mailjob.key` beside `mailjob.db`.
#[must_use]
pub fn beside(ledger: &Path) -> PathBuf {
    kept::beside(ledger, "key")
}

fn read(place: &SecretRef) -> Result<SealKey, KeyError> {
    SealKey::parse(&place.read()?).map_err(|fault| KeyError::Bad {
        place: match place {
            SecretRef::File(path) => path.display().to_string(),
            SecretRef::Env(name) => name.clone(),
        },
        fault,
    })
}

fn read_or_make(path: PathBuf) -> Result<SealKey, KeyError> {
    let place = SecretRef::File(path.clone());
    match read(&place) {
        Err(KeyError::Read(SecretError::Read { source, .. })) if source.kind() == ErrorKind::NotFound => {
            make(&path)?;
            tracing::info!(path = %path.display(), "made the key that sign-ins are sealed with: keep a copy apart from the ledger's");
            // Read back: another process may have made it first.
            read(&place)
        }
        // It stays the key: what is sealed can be opened by no other. Who could read it needs the ledger too, whose mode is ours already.
        Err(KeyError::Read(SecretError::Open { mode, can, .. })) if kept::close(&path).is_ok() => {
            tracing::warn!(
                path = %path.display(),
                mode = format!("{mode:04o}"),
                "others could {can} the key that sign-ins are sealed with: it is ours alone from now on. Where somebody may have had both it and \
                 the ledger, sign in anew"
            );
            read(&place)
        }
        read => read,
    }
}

/// Makes the file. One that is there is never overwritten.
fn make(path: &Path) -> Result<(), KeyError> {
    let failed = |why: String| KeyError::Make {
        path: path.to_owned(),
        why,
    };
    let key = new_key().ok_or_else(|| failed("the system gives no random numbers".into()))?;
    kept::make(path, &key).map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
#[path = "key_tests.rs"]
mod tests;
