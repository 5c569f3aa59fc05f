//! Where a program is.

use std::{
    env, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// The program's path: as written when it has a slash, else from our own `PATH`.
///
/// # Errors
/// When no folder of `PATH` has it.
pub fn located(program: &str) -> io::Result<PathBuf> {
    if program.contains('/') {
        return Ok(program.into());
    }
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders)
        .map(|folder| folder.join(program))
        .find(|path| path.is_absolute() && runs(path))
        .ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Whether this is a program that somebody may run.
#[must_use]
pub fn runs(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
