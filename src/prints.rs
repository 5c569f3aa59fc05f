//! Whether files are still those that they were: looked at from outside, at intervals, since what a person mends (a secret, a certificate, a
//! program) rings no bell.

use std::{fs, os::unix::fs::MetadataExt, path::PathBuf, time::Duration};

use tokio::{task::spawn_blocking, time::sleep};

/// What is seen of a file: another one in its place, other content, or another mode or owner show in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileStamp {
    device: u64,
    inode: u64,
    size: u64,
    written: (i64, i64),
    changed: (i64, i64),
}

/// Each file with what is seen of it; nothing where it isn't there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileStamps(Vec<(PathBuf, Option<FileStamp>)>);

impl FileStamps {
    /// As the files are now. Links are followed. Blocks.
    #[must_use]
    pub fn of(files: Vec<PathBuf>) -> Self {
        let print = |file: PathBuf| {
            let seen = fs::metadata(&file).ok().map(|meta| FileStamp {
                device: meta.dev(),
                inode: meta.ino(),
                size: meta.size(),
                written: (meta.mtime(), meta.mtime_nsec()),
                changed: (meta.ctime(), meta.ctime_nsec()),
            });
            (file, seen)
        };
        Self(files.into_iter().map(print).collect())
    }
}

/// Waits until one of these files is not what it was at the beginning. `files` names them at each look: a program may come into `PATH`.
/// Never ends where there are none. Off the runtime's threads: they may lie on a slow network disk.
pub async fn changed(files: impl Fn() -> Vec<PathBuf> + Clone + Send + 'static, every: Duration) {
    let look = || {
        let files = files.clone();
        spawn_blocking(move || FileStamps::of(files()))
    };
    let Ok(before) = look().await else {
        return std::future::pending().await;
    };
    loop {
        sleep(every).await;
        match look().await {
            Ok(now) if now != before => return,
            Ok(_) => {}
            // Only a runtime that is torn down refuses.
            Err(_torn_down) => return std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn whatever_a_person_mends_at_a_file_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("program");
        let print = || FileStamps::of(vec![file.clone()]);
        let missing = print();
        fs::write(&file, "#!/bin/sh\n").unwrap();
        let there = print();
        assert_ne!(missing, there);
        assert_eq!(there, print());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        let runs = print();
        assert_ne!(there, runs, "its mode");
        // As the kubelet and editors do: another file in its place.
        let new = folder.path().join("new");
        fs::write(&new, "#!/bin/sh\n").unwrap();
        fs::rename(&new, &file).unwrap();
        assert_ne!(runs, print(), "another of the same size");
    }

    #[tokio::test]
    async fn a_change_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        let files = {
            let file = file.clone();
            move || vec![file.clone()]
        };
        let noticed = tokio::spawn(changed(files, Duration::from_millis(10)));
        // However late it began, there is one more change.
        for n in 0.. {
            fs::write(&file, n.to_string()).unwrap();
            if noticed.is_finished() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        noticed.await.unwrap();
    }
}
