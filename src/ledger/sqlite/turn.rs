//! One process at a time uses a sign-in's refresh token: a lock file for each, beside the ledger.

use std::{
    ffi::OsString,
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::Utc;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep};

use super::lock::{self, LockAttempt};
use crate::ledger::Error;

/// How long a turn is waited for: longer than a token server may take to answer.
pub(in crate::ledger) const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The first pause between two looks, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(250));

/// Waits for the turn of a sign-in; it ends when the file is dropped or the process ends, however it ends. Looked at again and
/// again, not waited for by a thread: whoever gives up waiting leaves nothing behind.
pub(in crate::ledger) async fn take(ledger: &Path, name: &str, longest: Duration) -> Result<File, Error> {
    let path = beside(ledger, name);
    let until = Instant::now() + longest;
    let mut pause = PAUSES.0;
    loop {
        let at = path.clone();
        let trying = tokio::task::spawn_blocking(move || lock::hold(&at, Utc::now()));
        let tried = trying
            .await
            .map_err(|error| Error::Engine(format!("the lock file {}: {error}", path.display())))?;
        match tried? {
            LockAttempt::Held(file) => return Ok(file),
            LockAttempt::Busy(holder) if Instant::now() >= until => {
                return Err(Error::SignInBusy {
                    name: name.to_owned(),
                    holder,
                    waited: longest,
                });
            }
            LockAttempt::Busy(_) => sleep(pause).await,
        }
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// The names of sign-ins may have characters that file names may not.
fn beside(ledger: &Path, name: &str) -> PathBuf {
    let hash = Sha256::digest(name);
    let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let mut file = OsString::from(ledger);
    file.push(format!(".sign-in-{hash}.lock"));
    file.into()
}
