//! Whose file it is: nothing but a start makes a ledger, and nobody changes another program's database.

use std::path::Path;

use super::*;

/// The files of a folder with their bytes.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap())
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            (name, std::fs::read(file.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// What each way in says that is not a start.
async fn ways_in(path: &Path, copy: &Path) -> Vec<Error> {
    vec![
        ExternalSqlite::open(path).await.map(drop).unwrap_err(),
        ExternalSqlite::open(path).await.map(drop).unwrap_err(),
        ExternalSqlite::open(path).await.map(drop).unwrap_err(),
        ExternalSqlite::open(path).await.map(drop).unwrap_err(),
        inspect(path).await.map(drop).unwrap_err(),
        backup(path, copy, |_| {}).await.map(drop).unwrap_err(),
    ]
}

#[tokio::test]
async fn nothing_but_a_start_makes_a_ledger() {
    for empty in [false, true] {
        let (folder, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let path = folder.path().join("mailjob.db");
        if empty {
            std::fs::write(&path, "").unwrap();
        }
        let before = files(folder.path());
        assert!(versions_beside(&path).await.is_err());
        for error in ways_in(&path, &elsewhere.path().join("copy.db")).await {
            assert!(matches!(error, Error::NoLedger { .. }), "{error:?}");
            assert!(error.to_string().contains("`mailjob run` makes it"), "{error}");
        }
        assert_eq!(files(folder.path()), before);
        assert_eq!(files(elsewhere.path()), []);
        // A start makes it, of an empty file too.
        open(&path, Hands::new().clock()).await.unwrap().close().await;
        assert!(ExternalSqlite::open(&path).await.is_ok());
    }
}

#[tokio::test]
async fn a_command_waits_for_a_start_that_is_about_to_make_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("mailjob.db");
    std::fs::write(&path, "").unwrap();
    let LockAttempt::Held(lock) = lock::hold(&lock::beside(&path), Utc::now()).unwrap() else {
        panic!("it is held")
    };
    let (opening, at) = (async { ExternalSqlite::open(&path).await.map(drop) }, path.clone());
    let making = async move {
        drop(lock);
        open(&at, Hands::new().clock()).await.unwrap().close().await;
    };
    let (opened, ()) = soon(async { tokio::join!(opening, making) }).await;
    // It may have looked in the moment between both holders of the lock.
    assert!(matches!(opened, Ok(()) | Err(Error::NoLedger { .. })), "{opened:?}");
}

#[tokio::test]
async fn another_programs_database_is_left_as_it_is() {
    for sql in [
        "CREATE TABLE bookmarks (id INTEGER PRIMARY KEY, url TEXT); INSERT INTO bookmarks VALUES (1, 'a'); PRAGMA user_version = 19",
        "CREATE TABLE mail (id); PRAGMA user_version = 3",
        "CREATE TABLE job (id)",
        "PRAGMA application_id = 252006673; CREATE TABLE fossil (id)",
    ] {
        let (folder, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let path = folder.path().join("places.sqlite");
        rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        let before = files(folder.path());
        let mut said = ways_in(&path, &elsewhere.path().join("copy.db")).await;
        said.extend(open(&path, Hands::new().clock()).await.err());
        assert_eq!(said.len(), 7, "{sql}: it was opened");
        for error in said {
            assert!(matches!(error, Error::Unusable { .. }), "{sql}: {error:?}");
            let words = error.to_string();
            assert!(
                words.contains("places.sqlite is the database of another program"),
                "{words}"
            );
            assert!(words.contains("`ledger` in [service]"), "{words}");
        }
        assert_eq!(files(folder.path()), before, "{sql}");
    }
}

#[tokio::test]
async fn a_ledger_says_in_its_file_that_it_is_one() {
    let mut d = Desktop::new().await;
    let id = "SELECT application_id FROM pragma_application_id";
    assert_eq!(d.count(id).await, 0x6d6a_6f62);
    // As a Mailjob left it that said nothing.
    d.ledger.close().await;
    let db = rusqlite::Connection::open(d.path()).unwrap();
    db.execute_batch("PRAGMA application_id = 0").unwrap();
    drop(db);
    assert!(ExternalSqlite::open(&d.path()).await.is_ok());
    d.reopen().await;
    assert_eq!(d.count(id).await, 0x6d6a_6f62);
    let copy = d.folder.path().join("copy.db");
    backup(&d.path(), &copy, |_| {}).await.unwrap();
    let db = rusqlite::Connection::open(copy).unwrap();
    let copied: i64 = db.query_row(id, [], |row| row.get(0)).unwrap();
    assert_eq!(copied, 0x6d6a_6f62);
}
