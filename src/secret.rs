//! Secrets: where they come from, and a value that can't be printed.
//!
//! A configuration never holds a secret, only the place where one is kept. It is read at each use, so that a rotated
//! file counts from the next sign-in on.

use std::path::{Path, PathBuf};

pub use secrecy::{ExposeSecret, SecretString as Secret};

/// The largest secret file that is read, in bytes.
const MAX_SECRET: u64 = 64 * 1024;

/// The place where a secret is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// A file whose whole content, without trailing line ends, is the secret.
    File(PathBuf),
    /// An environment variable.
    Env(String),
}

/// Why a secret could not be read. Never holds the secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file is missing or can't be read.
    #[error("secret file {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file or variable is there but empty, too large, or not text.
    #[error("secret {place} {what}")]
    Unusable {
        /// The file or variable.
        place: String,
        /// `is empty`, `is not set`, `is not a file`, `is over 64 KiB`, `is not UTF-8`.
        what: &'static str,
    },
}

impl SecretRef {
    /// Reads the secret as it is now.
    ///
    /// # Errors
    /// When the file or variable is missing, empty, over 64 KiB or not UTF-8.
    pub fn read(&self) -> Result<Secret, SecretError> {
        let (place, text) = match self {
            Self::File(path) => (path.display().to_string(), read_file(path)?),
            Self::Env(name) => {
                let text = std::env::var(name).map_err(|_| SecretError::Unusable {
                    place: name.clone(),
                    what: "is not set",
                })?;
                (name.clone(), text)
            }
        };
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err(SecretError::Unusable {
                place,
                what: "is empty",
            });
        }
        Ok(Secret::from(text.to_owned()))
    }
}

fn read_file(path: &Path) -> Result<String, SecretError> {
    let failed = |source| SecretError::Read {
        path: path.to_owned(),
        source,
    };
    let unusable = |what| SecretError::Unusable {
        place: path.display().to_string(),
        what,
    };
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        // Reading a pipe would wait for a writer.
        return Err(unusable("is not a file"));
    }
    if metadata.len() > MAX_SECRET {
        return Err(unusable("is over 64 KiB"));
    }
    String::from_utf8(std::fs::read(path).map_err(failed)?).map_err(|_| unusable("is not UTF-8"))
}
