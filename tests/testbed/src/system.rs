//! What the testbed needs of the machine.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

/// The numeric user and group of a name in `/etc/passwd`.
pub(crate) fn user(name: &str) -> Result<(u32, u32)> {
    let passwd = fs::read_to_string("/etc/passwd")?;
    let ids = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then_some(())?;
        Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    ids.with_context(|| format!("no user {name} in /etc/passwd: tests/run installs what is needed"))
}

/// A copy of a file that belongs to a user and that nobody else may read.
pub(crate) fn copied(from: &Path, to: &Path, owner: &str) -> Result<PathBuf> {
    fs::copy(from, to)?;
    fs::set_permissions(to, Permissions::from_mode(0o600))?;
    let (uid, gid) = user(owner)?;
    chown(to, Some(uid), Some(gid))?;
    Ok(to.to_owned())
}

/// Mail servers change to other users, so only root can start them.
pub(crate) fn ensure_root() -> Result<()> {
    ensure!(
        rustix::process::geteuid().is_root(),
        "Dovecot and Postfix are started by root only: run this as root"
    );
    Ok(())
}

/// Lets every one of `users` be idle at once: each idle session of Dovecot takes an inotify instance, of which a system user
/// has 128 by default; beyond that Dovecot looks every 30 seconds instead.
pub(crate) fn ensure_inotify(users: usize) -> Result<()> {
    let file = "/proc/sys/fs/inotify/max_user_instances";
    let limit: usize = fs::read_to_string(file)?.trim().parse()?;
    let wanted = users * 2 + 128;
    if limit >= wanted {
        return Ok(());
    }
    fs::write(file, wanted.to_string())
        .with_context(|| format!("{file} is {limit}: {users} users at once need {wanted}"))
}
