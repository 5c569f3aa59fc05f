//! Secrets: where they come from, and a value that can't be printed.
//!
//! A configuration never holds a secret, only the place where one is kept. It is read at each use, so that a rotated
//! file counts from the next sign-in on.

mod forms;
pub mod kept;
pub mod known;
mod redaction;
pub mod signing;

use std::{
    fs::OpenOptions,
    io::Read as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt},
    path::{Path, PathBuf, absolute},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

pub use redaction::{Redaction, Redactor};
pub use secrecy::{ExposeSecret, SecretString as Secret};

/// The largest secret file that is read, in bytes.
const MAX_SECRET: u64 = 64 * 1024;

/// The place where a secret is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
        /// `is empty`, `is not set`, `is not a file`, `is over 64 KiB`, `is not UTF-8` and the like.
        what: &'static str,
    },
    /// Every user of this machine can read the file, or users beside its owner can change it.
    #[error(
        "secret file {path} has mode {mode:04o}: others can {can} it; run chmod 600 {path}, or in Kubernetes set defaultMode: 0440 on the volume"
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// `read` or `change`.
        can: &'static str,
    },
}

/// The files that were read as secrets by this process, sorted: nobody else's to read, whoever names them.
static FILES: LazyLock<Mutex<Arc<Vec<PathBuf>>>> = LazyLock::new(Mutex::default);

/// The files that were read as secrets so far. Every secret passes [`SecretRef::read`] or [`read_token`], when the configuration is checked
/// already, so none is missing here.
#[must_use]
pub fn files() -> Arc<Vec<PathBuf>> {
    FILES.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn remember(path: &Path) {
    let Ok(path) = absolute(path) else { return };
    let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Err(at) = files.binary_search(&path) {
        Arc::make_mut(&mut files).insert(at, path);
    }
}

impl SecretRef {
    /// Reads the secret as it is now.
    ///
    /// # Errors
    /// When the file or variable is missing, empty, over 64 KiB or not UTF-8.
    pub fn read(&self) -> Result<Secret, SecretError> {
        let (place, text) = match self {
            Self::File(path) => (path.display().to_string(), read_file(path, Some(others_may))?),
            Self::Env(name) => {
                let text = std::env::var(name).map_err(|_| SecretError::Unusable {
                    place: format!("variable {name}"),
                    what: "is not set",
                })?;
                (format!("variable {name}"), text)
            }
        };
        whole(place, &text)
    }
}

/// Reads a token that somebody else keeps fresh in a file, such as the kubelet, which also decides on its mode.
///
/// # Errors
/// When the file is missing, empty, over 64 KiB or not UTF-8.
pub fn read_token(path: &Path) -> Result<Secret, SecretError> {
    whole(path.display().to_string(), &read_file(path, None)?)
}

fn whole(place: String, text: &str) -> Result<Secret, SecretError> {
    let text = text.trim_end_matches(['\r', '\n']);
    match odd(text) {
        Some(what) => Err(SecretError::Unusable { place, what }),
        None => {
            let secret = Secret::from(text.to_owned());
            known::learn(&secret);
            Ok(secret)
        }
    }
}

/// What editors and shells put around a secret, which no server would take. A key or document of several lines may begin and end as it
/// likes. Pure.
fn odd(text: &str) -> Option<&'static str> {
    let bare = text.trim();
    match () {
        () if bare.is_empty() => Some("is empty"),
        () if text.starts_with('\u{feff}') => Some("begins with a byte order mark, which an editor put there"),
        () if bare.contains(['\r', '\n']) => None,
        () if bare.len() < text.trim_start().len() => Some("ends with a blank"),
        () if bare.len() < text.len() => Some("begins with a blank or an empty line"),
        () => None,
    }
}

/// What others may do with a file of this mode that they should not. Members of its group may read it: a Kubernetes pod that is not
/// root reads its secrets by `fsGroup`.
fn others_may(mode: u32) -> Option<&'static str> {
    match mode {
        mode if mode & 0o022 != 0 => Some("change"),
        mode if mode & 0o004 != 0 => Some("read"),
        _ => None,
    }
}

fn read_file(path: &Path, wrong: Option<fn(u32) -> Option<&'static str>>) -> Result<String, SecretError> {
    let failed = |source| SecretError::Read {
        path: path.to_owned(),
        source,
    };
    let unusable = |what| SecretError::Unusable {
        place: path.display().to_string(),
        what,
    };
    remember(path);
    // What is looked at is what is read, and opening a pipe does not wait for its writer.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
        .open(path)
        .map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(unusable("is not a file"));
    }
    if metadata.len() > MAX_SECRET {
        return Err(unusable("is over 64 KiB"));
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if let Some(can) = wrong.and_then(|wrong| wrong(mode)) {
        let path = path.to_owned();
        return Err(SecretError::Open { path, mode, can });
    }
    let mut bytes = Vec::new();
    file.take(MAX_SECRET + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_SECRET {
        // It grew meanwhile.
        return Err(unusable("is over 64 KiB"));
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(unusable("is in UTF-16"));
    }
    String::from_utf8(bytes).map_err(|_| unusable("is not UTF-8"))
}

impl SecretError {
    /// What to do about it.
    #[must_use]
    pub fn cure(&self) -> &'static str {
        match self {
            Self::Read { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                "let the user that runs mailjob read it, and pass each folder above it (chown, chmod 600)"
            }
            Self::Read { .. } => "put the secret there, readable for the user that runs mailjob",
            Self::Open { .. } => "let nobody but the user that runs mailjob read it",
            Self::Unusable { what: "is not set", .. } => "set the variable for mailjob's process",
            Self::Unusable { what, .. }
                if what.contains("blank") || what.contains("byte order mark") || what.contains("UTF") =>
            {
                "leave nothing in it but the secret, as UTF-8; a line end behind it does not count"
            }
            Self::Unusable { .. } => "put the secret there, and nothing else",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn modes() {
        for (mode, can) in [
            (0o600, None),
            (0o400, None),
            (0o440, None),
            (0o640, None),
            (0o644, Some("read")),
            (0o604, Some("read")),
            (0o444, Some("read")),
            (0o660, Some("change")),
            (0o602, Some("change")),
        ] {
            assert_eq!(others_may(mode), can, "{mode:04o}");
        }
    }

    #[test]
    fn what_editors_and_shells_put_around_a_secret_is_told() {
        for (text, what) in [
            ("hush", None),
            ("hush\r\n\n", None),
            ("hush hush", None),
            ("-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY----- \n", None),
            ("{\n \"a\": 1\n} ", None),
            ("", Some("is empty")),
            (" \n\t", Some("is empty")),
            (
                "\u{feff}hush\n",
                Some("begins with a byte order mark, which an editor put there"),
            ),
            ("hush \n", Some("ends with a blank")),
            ("hush\t", Some("ends with a blank")),
            ("hush\u{a0}", Some("ends with a blank")),
            (" hush", Some("begins with a blank or an empty line")),
            ("\nhush\n", Some("begins with a blank or an empty line")),
        ] {
            let told = whole("x".to_owned(), text)
                .err()
                .map(|error| (error.to_string(), error.cure()));
            let said = told.as_ref().map(|(text, _)| text.as_str());
            assert_eq!(said, what.map(|what| format!("secret x {what}")).as_deref(), "{text:?}");
            assert!(!format!("{told:?}").contains("hush"));
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        fs::write(&file, b"\xff\xfeh\0u\0").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(
            SecretRef::File(file)
                .read()
                .unwrap_err()
                .to_string()
                .ends_with("is in UTF-16")
        );
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_unless_somebody_else_keeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        fs::write(&file, "hush\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let error = SecretRef::File(file.clone()).read().unwrap_err().to_string();
        assert!(error.contains("0644") && error.contains("chmod 600"), "{error}");
        assert_eq!(read_token(&file).unwrap().expose_secret(), "hush");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(SecretRef::File(file).read().unwrap().expose_secret(), "hush");
    }
}
