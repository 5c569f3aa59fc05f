//! Starting, dying, coming back.

use std::os::unix::fs::PermissionsExt;

use super::{super::schema, *};
use crate::{job::state::State, ledger::NoticeTable};

#[tokio::test]
async fn a_second_process_hears_who_holds_it() {
    let mut d = Desktop::new().await;
    let Err(Error::InUse { holder, ledger: path }) = open(&d.path(), d.hands.clock()).await else {
        panic!("it was opened")
    };
    assert!(
        holder.contains(&format!("process {} on ", std::process::id())),
        "{holder}"
    );
    assert!(holder.ends_with("since 2027-01-15T08:00:00Z"), "{holder}");
    assert_eq!(path, d.path().display().to_string());
    d.reopen().await;
    d.ledger.ping().await.unwrap();
}

#[tokio::test]
async fn a_lock_that_somebody_has_for_a_moment_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mailjob.db");
    // As a command has it that makes the ledger.
    let LockAttempt::Held(lock) = lock::hold(&lock::beside(&path), Utc::now()).unwrap() else {
        panic!("it is held")
    };
    let opening = tokio::spawn({
        let path = path.clone();
        async move { open(&path, Arc::new(Utc::now)).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!opening.is_finished());
    drop(lock);
    opening.await.unwrap().unwrap().ping().await.unwrap();
}

/// The locks that this process has on a file by fcntl.
fn posix_locks(path: &std::path::Path) -> usize {
    use std::os::unix::fs::MetadataExt as _;
    let inode = format!(":{} ", std::fs::metadata(path).unwrap().ino());
    let all = std::fs::read_to_string("/proc/locks").unwrap();
    all.lines()
        .filter(|line| line.contains("POSIX") && line.contains(&inode))
        .count()
}

#[tokio::test]
async fn a_look_at_the_log_of_a_ledger_in_use_costs_it_no_lock() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    assert!(std::fs::metadata(format!("{}-wal", d.path().display())).unwrap().len() > 0);
    let before = posix_locks(&d.path());
    assert!(before > 0, "SQLite holds the file");
    super::foreign_log::refuse(&d.path()).unwrap();
    assert_eq!(posix_locks(&d.path()), before);
    super::super::hindrance::judged(&d.path(), Error::Engine("odd".to_owned()));
    assert_eq!(posix_locks(&d.path()), before);
}

#[tokio::test]
async fn a_newer_schema_is_refused_in_words() {
    let d = Desktop::new().await;
    d.ledger.close().await;
    rusqlite::Connection::open(d.path())
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let Err(error) = open(&d.path(), d.hands.clock()).await else {
        panic!("it was opened")
    };
    assert_eq!(
        error,
        Error::Newer {
            ledger: d.path().display().to_string(),
            found: 99,
            known: schema::known(),
        }
    );
    assert!(error.to_string().contains("run the newer Mailjob"));
}

#[tokio::test]
async fn a_file_that_is_no_ledger_is_an_error() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("mailjob.db");
    std::fs::write(&path, "not a database, but long enough to look at").unwrap();
    assert!(open(&path, Hands::new().clock()).await.is_err());
    assert_eq!(
        std::fs::read(&path).unwrap(),
        b"not a database, but long enough to look at"
    );
    let nowhere = open(&folder.path().join("no/such/folder"), Hands::new().clock()).await;
    let words = nowhere.map(drop).unwrap_err().to_string();
    assert!(
        words.contains("there is no folder") && words.contains("make that folder"),
        "{words}"
    );
}

#[tokio::test]
async fn only_the_owner_may_read_it() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let files: Vec<_> = std::fs::read_dir(d.folder.path())
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(files.len() >= 3, "file, WAL, lock");
    for file in files {
        assert_eq!(
            file.metadata().unwrap().permissions().mode() & 0o077,
            0,
            "{:?}",
            file.file_name()
        );
    }
}

#[tokio::test]
async fn what_was_answered_survives_a_crash() {
    let d = Desktop::new().await;
    d.take(vec![mail(1), mail(2), mail(3)]).await;
    d.run(done(), send()).await;
    soon(d.ledger.claim_replies("contoso", 1)).await.unwrap();
    let runs = d.claim(1).await.pop().unwrap();
    // The files as a killed process leaves them: nothing closed, nothing flushed after the last answer.
    let after = TempDir::new().unwrap();
    for name in ["mailjob.db", "mailjob.db-wal"] {
        std::fs::copy(d.folder.path().join(name), after.path().join(name)).unwrap();
    }
    let ledger = open(&after.path().join("mailjob.db"), d.hands.clock()).await.unwrap();
    let states: Vec<_> = ledger
        .overview(9)
        .await
        .unwrap()
        .iter()
        .rev()
        .map(|row| row.state)
        .collect();
    assert_eq!(states, [State::Done, State::Queued, State::Queued]);
    let alone = soon(ledger.claim_jobs(&endpoint("invoices"), 9)).await.unwrap();
    assert_eq!(alone.len(), 1);
    assert_eq!((alone[0].id, alone[0].attempt, alone[0].interrupted), (runs.id, 2, 1));
    assert_eq!(ledger.raw(runs.mail).await.unwrap(), "mail 2");
    let reply = soon(ledger.claim_replies("contoso", 9)).await.unwrap();
    assert_eq!(reply[0].attempt, 2);
}

#[tokio::test]
async fn what_was_told_outlives_the_process_until_it_is_over() {
    let mut d = Desktop::new().await;
    let told = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
    let (first, later) = (d.hands.now(), d.hands.now() + chrono::TimeDelta::hours(1));
    d.ledger
        .note_told(told(&["a", "b"]), vec![], None, first)
        .await
        .unwrap();
    d.ledger
        .note_told(told(&["a", "c"]), told(&["b"]), None, later)
        .await
        .unwrap();
    d.reopen().await;
    let expected = [("a".to_owned(), first), ("c".to_owned(), later)];
    assert_eq!(d.ledger.told().await.unwrap(), expected.into());
}

#[tokio::test]
async fn a_second_process_is_refused_without_a_lock_file_too() {
    let d = Desktop::new().await;
    std::fs::remove_file(lock::beside(&d.path())).unwrap();
    let second = open(&d.path(), d.hands.clock()).await.map(drop);
    assert!(matches!(second, Err(Error::InUse { .. })), "{second:?}");
    d.take(vec![mail(1)]).await;
}

#[tokio::test]
async fn a_ledger_that_is_taken_away_ends_in_words() {
    for (name, words) in [
        ("mailjob.db", "was deleted"),
        ("mailjob.db-wal", "lost its log"),
        (".", "was deleted"),
    ] {
        let d = Desktop::new().await;
        d.take(vec![mail(1)]).await;
        let folder = d.folder.path();
        let from = if name == "." {
            folder.to_owned()
        } else {
            folder.join(name)
        };
        let to = folder.with_extension("away");
        std::fs::rename(&from, &to).unwrap();
        let lost = soon(async {
            while d.ledger.ping().await != Err(Error::Closed) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            d.ledger.lost().unwrap().to_string()
        });
        let said = lost.await;
        assert!(said.contains(words) && said.contains("put it back"), "{name}: {said}");
        assert!(matches!(
            d.ledger.settled(&nobodys(&mailbox()), &[]).await,
            Err(Error::Closed)
        ));
        drop(std::fs::remove_dir_all(&to).or_else(|_| std::fs::remove_file(&to)));
    }
}

/// By `.cargo/config.toml`, however it is built.
#[test]
fn sqlite_counts_no_memory_and_shares_no_cache_of_pages() {
    let db = rusqlite::Connection::open_in_memory().unwrap();
    let mut options = db.prepare("PRAGMA compile_options").unwrap();
    let options = options.query_map([], |row| row.get(0)).unwrap();
    let options: Vec<String> = options.map(Result::unwrap).collect();
    let has = |wanted: &str| options.iter().any(|option| option == wanted);
    assert!(
        has("DEFAULT_MEMSTATUS=0") && !has("ENABLE_MEMORY_MANAGEMENT"),
        "{options:?}"
    );
}
