//! Starting, dying, coming back; full disks; secrets.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::{job::state::State, secret::Secret};

#[tokio::test]
async fn a_second_process_hears_who_holds_it() {
    let mut d = Desktop::new().await;
    let Err(Error::InUse { holder, path }) = open(&d.path(), d.hands.clock()).await else {
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
            path: d.path().display().to_string(),
            found: 99,
            known: 1
        }
    );
    assert!(error.to_string().contains("run the newer Mailjob"));
}

#[tokio::test]
async fn a_file_that_is_no_ledger_is_an_error() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("mailjob.db");
    std::fs::write(&path, "not a database, but long enough to look at").unwrap();
    assert!(matches!(open(&path, Hands::new().clock()).await, Err(Error::Engine(_))));
    assert!(matches!(
        open(&folder.path().join("no/such/folder"), Hands::new().clock()).await,
        Err(Error::Engine(_))
    ));
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
async fn a_full_disk_refuses_and_heals() {
    let d = Desktop::new().await;
    d.take(vec![mail(1)]).await;
    let pages = |n: i64| {
        move |desk: &mut writer::Desk<'_>| Ok(desk.db.pragma_update_and_check(None, "max_page_count", n, |_| Ok(()))?)
    };
    d.ledger.post.ask(0, pages(80)).await.unwrap();
    let big = at(1, 2, &"x".repeat(1 << 20));
    let cursor = Cursor {
        uid_validity: 1,
        uid_next: 3,
    };
    let intake = || Intake {
        mailbox: mailbox(),
        endpoint: endpoint("invoices"),
        cursor,
        mails: vec![big.clone()],
    };
    let (full, ping) = tokio::join!(d.ledger.take(intake()), d.ledger.ping());
    assert!(matches!(full, Err(Error::Full(_))), "{full:?}");
    drop(ping);
    assert_eq!(
        d.ledger.cursor(&mailbox()).await.unwrap(),
        Some(Cursor {
            uid_validity: 1,
            uid_next: 2
        })
    );
    assert_eq!(d.ledger.overview(9).await.unwrap().len(), 1, "nothing half done");
    d.run(done(), silent()).await;
    d.ledger.post.ask(0, pages(1 << 30)).await.unwrap();
    assert_eq!(d.ledger.take(intake()).await.unwrap().new, 1);
    assert_eq!(d.claim(9).await.len(), 1);
}

#[tokio::test]
async fn an_operation_that_fails_is_undone_alone() {
    let d = Desktop::new().await;
    let broken = UploadId(uuid::Uuid::now_v7());
    let cursor = Cursor {
        uid_validity: 1,
        uid_next: 9,
    };
    let bad = Intake {
        mailbox: mailbox(),
        endpoint: endpoint("invoices"),
        cursor,
        mails: vec![
            mail(1),
            NewMail {
                raw: Raw::Uploaded {
                    upload: broken,
                    size: 1,
                },
                ..mail(2)
            },
        ],
    };
    let good = Intake {
        mailbox: mailbox(),
        endpoint: endpoint("invoices"),
        cursor,
        mails: vec![mail(3)],
    };
    let (bad, good) = tokio::join!(d.ledger.take(bad), d.ledger.take(good));
    assert!(matches!(bad, Err(Error::Missing(_))));
    assert_eq!(good.unwrap().new, 1);
    assert_eq!(d.ledger.overview(9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn tokens_are_kept_and_replaced() {
    let mut d = Desktop::new().await;
    let token = |text: &str| StoredToken {
        refresh_token: Secret::from(text.to_owned()),
        origin: [7; 32],
        stored: d.hands.now(),
    };
    assert!(d.ledger.token("contoso").await.unwrap().is_none());
    d.ledger.store_token("contoso", token("first")).await.unwrap();
    d.ledger.store_token("contoso", token("second")).await.unwrap();
    d.reopen().await;
    let found = d.ledger.token("contoso").await.unwrap().unwrap();
    assert_eq!(found.refresh_token.expose_secret(), "second");
    assert_eq!((found.origin, found.stored), ([7; 32], d.hands.now()));
}
