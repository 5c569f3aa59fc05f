//! What a check finds, and copies that are made beside a ledger at work.

use std::{
    os::unix::fs::{FileExt, MetadataExt},
    sync::Mutex,
};

use super::*;
use crate::ledger::{Copying, IntegrityFinding};

impl Desktop {
    /// One mail of each end, and one that is still to do.
    async fn mixed() -> Self {
        let d = Self::new().await;
        d.take((1..=4).map(mail).collect()).await;
        d.run(done(), send()).await;
        d.run(failed(), silent()).await;
        d.run(ignored(), None).await;
        d
    }

    /// Does what Mailjob never does, then checks.
    async fn broken(&self, sql: &'static str) -> Vec<IntegrityFinding> {
        self.unwatched();
        let off = "PRAGMA foreign_keys = OFF";
        let db = rusqlite::Connection::open(self.path()).unwrap();
        db.execute_batch(off).unwrap();
        db.execute_batch(sql).unwrap();
        drop(db);
        inspect(&self.path()).await.unwrap().findings
    }
}

#[tokio::test]
async fn a_ledger_at_work_is_sound() {
    let d = Desktop::mixed().await;
    let found = inspect(&d.path()).await.unwrap();
    assert_eq!(found.findings, []);
    assert_eq!((found.mails, found.jobs, found.replies), (4, 4, 1));
    assert!(found.bytes > 4096, "{found:?}");
    assert!(!d.nothing_due().await, "and goes on");
}

#[tokio::test]
async fn what_can_t_be_is_found_with_its_cure() {
    for (sql, what) in [
        (
            "UPDATE mail SET ended = 1 WHERE id = 4",
            "mails count as ended and have a job that has not",
        ),
        (
            "UPDATE mail SET ended = 1 WHERE id = 1",
            "mails count as ended and have a reply that is still to go",
        ),
        (
            "DELETE FROM chunk WHERE id / 65536 = 4",
            "mails have a job that has not ended and not all of their bytes",
        ),
        ("DELETE FROM reply_body", "replies are still to go and have no bytes"),
        (
            "UPDATE place SET touch = 'waiting' WHERE mail = 2",
            "mails have ended and one of their places",
        ),
        (
            "DELETE FROM job WHERE mail = 4",
            "mails have no job and never had an end",
        ),
        (
            "UPDATE job SET state = 'waiting' WHERE id = 4",
            "jobs wait for parts that have all ended",
        ),
        (
            "INSERT INTO chunk VALUES (99 * 65536, x'00')",
            "pieces of mails belong to no mail",
        ),
        (
            "UPDATE place SET mail = 77 WHERE mail = 2",
            "1 row of `place` names what is not there in `mail`",
        ),
    ] {
        let d = Desktop::mixed().await;
        let findings = d.broken(sql).await;
        assert!(
            findings.iter().any(|finding| finding.what.starts_with(what)),
            "{sql}: {findings:?}"
        );
        assert!(findings.iter().all(|finding| finding.cure.len() > 10), "{findings:?}");
    }
}

#[tokio::test]
async fn a_damaged_file_is_told_and_ends_nothing() {
    let d = Desktop::mixed().await;
    d.ledger.close().await;
    let file = std::fs::OpenOptions::new().write(true).open(d.path()).unwrap();
    let pages = file.metadata().unwrap().len() / 4096;
    for page in 3..pages {
        file.write_all_at(&[0xa5; 2048], page * 4096).unwrap();
    }
    let found = inspect(&d.path()).await.unwrap();
    assert!(found.findings[0].what.starts_with("the file is damaged: "), "{found:?}");
    assert!(found.findings[0].cure.contains("put the last backup in its place"));

    std::fs::write(d.path(), "no ledger at all ".repeat(100)).unwrap();
    let found = inspect(&d.path()).await.unwrap();
    assert!(found.findings[0].what.starts_with("this is no ledger"), "{found:?}");
    std::fs::remove_file(d.path()).unwrap();
    assert!(matches!(inspect(&d.path()).await, Err(Error::NoLedger { .. })));
}

#[tokio::test]
async fn a_copy_is_made_beside_a_ledger_at_work() {
    let mut d = Desktop::mixed().await;
    let to = d.folder.path().join("copy.db");
    let steps = Mutex::new(Vec::new());
    // Meanwhile mails come in.
    let path = d.path();
    let copying = backup(&path, &to, |step| steps.lock().unwrap().push(step));
    let (copied, _) = tokio::join!(copying, async {
        for uid in 10..30 {
            d.take(vec![mail(uid)]).await;
        }
    });
    let copied = copied.unwrap();
    assert_eq!(copied.findings, []);
    assert!(
        copied.jobs >= 4 && copied.jobs == copied.mails,
        "one state of it: {copied:?}"
    );
    assert_eq!(steps.into_inner().unwrap().pop(), Some(Copying::Checking));
    let meta = std::fs::metadata(&to).unwrap();
    assert_eq!(meta.mode() & 0o777, 0o600);
    let others = std::fs::read_dir(d.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert!(
        others
            .into_iter()
            .all(|name| !name.to_string_lossy().starts_with(".mailjob-backup"))
    );
    assert_eq!(inspect(&d.path()).await.unwrap().jobs, 24);

    // Put in the ledger's place, it goes on from where it was.
    d.ledger.close().await;
    for suffix in ["-wal", "-shm"] {
        drop(std::fs::remove_file(
            d.folder.path().join(format!("mailjob.db{suffix}")),
        ));
    }
    std::fs::rename(&to, d.path()).unwrap();
    d.ledger = Arc::new(open(&d.path(), d.hands.clock()).await.unwrap());
    assert_eq!(d.take(vec![mail(1)]).await.known, 1);
    assert!(!d.nothing_due().await);
}

#[tokio::test]
async fn a_copy_overwrites_nothing_and_leaves_nothing_half_done() {
    let d = Desktop::mixed().await;
    let there = d.folder.path().join("there.db");
    std::fs::write(&there, "precious").unwrap();
    let refused = backup(&d.path(), &there, |_| {}).await.unwrap_err();
    assert!(refused.to_string().contains("is there already"), "{refused}");
    assert_eq!(std::fs::read_to_string(&there).unwrap(), "precious");
    let nowhere = d.folder.path().join("no folder").join("copy.db");
    assert!(matches!(
        backup(&d.path(), &nowhere, |_| {}).await,
        Err(Error::Engine(_))
    ));
    let to = d.folder.path().join("copy.db");
    let missing = d.folder.path().join("missing.db");
    assert!(matches!(
        backup(&missing, &to, |_| {}).await,
        Err(Error::NoLedger { .. })
    ));
    assert!(!to.exists());
}

/// Takes so many bytes, then fails as a full disk does.
struct Short(usize);

impl std::io::Write for Short {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let now = self.0.min(bytes.len());
        self.0 -= now;
        match now {
            0 => Err(std::io::ErrorKind::StorageFull.into()),
            now => Ok(now),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_copy_in_a_stream_is_whole_or_an_error() {
    let d = Desktop::mixed().await;
    let to = d.folder.path().join("streamed.db");
    let out = std::fs::File::create_new(&to).unwrap();
    let copied = backup_into(&d.path(), &[d.folder.path()], out, |_| {}).await.unwrap();
    assert_eq!((copied.findings.len(), copied.jobs), (0, 4));
    assert_eq!(inspect(&to).await.unwrap().jobs, 4);
    let bytes = usize::try_from(to.metadata().unwrap().len()).unwrap();
    for short in [0, 1, bytes / 2, bytes - 1] {
        let error = backup_into(&d.path(), &[d.folder.path()], Short(short), |_| {}).await;
        let words = error.unwrap_err().to_string();
        assert!(words.contains("not written whole"), "{words}");
    }
    let left = std::fs::read_dir(d.folder.path()).unwrap();
    let left = left.filter(|file| {
        file.as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with(".mailjob-backup")
    });
    assert_eq!(left.count(), 0, "nothing is left of it");
}
