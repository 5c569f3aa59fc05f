//! A secret of our own in a file beside the ledger, which the first start makes and no later one changes.

use std::{
    fs::File,
    io::{self, ErrorKind, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::rand::{SecureRandom as _, SystemRandom};
use secrecy::zeroize::Zeroizing;

use super::{Secret, SecretError, SecretRef};

/// Bytes of the machine's token, before base64.
const TOKEN_BYTES: usize = 32;

/// Why the machine's token can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It can't be read.
    #[error("the token of this machine: {0}")]
    Read(#[from] SecretError),
    /// Others could read or change it, and we can't take that from them.
    #[error(
        "{open}; it was not replaced: {why}. Remove it as the user who owns it, and start again: Mailjob makes a new one"
    )]
    Open {
        /// Who could what.
        open: SecretError,
        /// What the system said.
        why: String,
    },
    /// It can't be made.
    #[error("the token file {path} can't be made: {why}; let Mailjob write there")]
    Make {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
}

/// A file beside the ledger, named after it: `mailjob.token` beside `mailjob.db`.
#[must_use]
pub fn beside(ledger: &Path, extension: &str) -> PathBuf {
    let path = ledger.with_extension(extension);
    if path == ledger {
        return ledger.with_added_extension(extension);
    }
    path
}

/// Where the token lies by which programs of the same user are known.
#[must_use]
pub fn token_path(ledger: &Path) -> PathBuf {
    beside(ledger, "token")
}

/// The token by which programs of the same user are known; it is made where there is none, and made anew where others could read or change
/// it, as when Kubernetes gave the files of a volume to a group: what they may know is no secret any more.
///
/// # Errors
/// When it can't be read by us, or can't be made.
pub fn machine_token(ledger: &Path) -> Result<Secret, TokenError> {
    let path = token_path(ledger);
    let place = SecretRef::File(path.clone());
    let mut read = place.read();
    if let Err(open @ SecretError::Open { .. }) = read {
        if let Err(error) = std::fs::remove_file(&path) {
            let why = error.to_string();
            return Err(TokenError::Open { open, why });
        }
        tracing::warn!(path = %path.display(), "others could read or change the token of this machine: made a new one");
        read = place.read();
    }
    match read {
        Err(SecretError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {
            let failed = |why: String| TokenError::Make {
                path: path.clone(),
                why,
            };
            let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
            let filled = SystemRandom::new().fill(bytes.as_mut_slice());
            filled.map_err(|_| failed("the system gives no random numbers".to_owned()))?;
            let token = Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes));
            make(&path, &token).map_err(|error| failed(error.to_string()))?;
            // Read back: another process may have made it first.
            Ok(place.read()?)
        }
        read => Ok(read?),
    }
}

/// Takes from others what they may do with a file of ours.
///
/// # Errors
/// What the system says.
pub fn close(path: &Path) -> io::Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

/// Makes a file of this line whole or not at all, durably, for its owner only. One that is there is never overwritten.
///
/// # Errors
/// What the system says.
pub fn make(path: &Path, line: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    // Made with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(file, "{line}").and_then(|()| file.as_file().sync_all())?;
    match file.persist_noclobber(path) {
        Ok(_) => File::open(folder)?.sync_all(),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::secret::ExposeSecret as _;

    #[test]
    fn the_first_start_makes_a_token_for_its_owner_only_and_later_ones_keep_it() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("mailjob.db");
        let first = machine_token(&ledger).unwrap();
        let file = folder.path().join("mailjob.token");
        assert_eq!(token_path(&ledger), file);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(first.expose_secret().len(), 43, "32 bytes in base64");
        assert_eq!(machine_token(&ledger).unwrap().expose_secret(), first.expose_secret());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let anew = machine_token(&ledger).unwrap();
        assert_ne!(anew.expose_secret(), first.expose_secret(), "others may know that one");
        for mode in [0o660, 0o666, 0o777] {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            machine_token(&ledger).unwrap();
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
        }
        let other = tempfile::tempdir().unwrap();
        let other = machine_token(&other.path().join("mailjob.db")).unwrap();
        assert_ne!(other.expose_secret(), first.expose_secret());
    }

    #[test]
    fn it_never_takes_the_ledgers_own_place() {
        for (ledger, extension, path) in [
            ("mailjob.db", "token", "mailjob.token"),
            ("/var/lib/mailjob/ledger", "key", "/var/lib/mailjob/ledger.key"),
            ("odd.token", "token", "odd.token.token"),
        ] {
            assert_eq!(beside(Path::new(ledger), extension), Path::new(path));
        }
    }
}
