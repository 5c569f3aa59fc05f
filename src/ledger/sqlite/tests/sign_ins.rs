//! Sign-ins: the table, the side door beside a writer at work, and turns.

use std::sync::atomic::AtomicBool;

use super::*;
use crate::{auth::BlockedSignIn, ledger::rules::leases::NamedLease};

pub(in crate::ledger) fn sealed(text: &str, at: DateTime<Utc>) -> SealedToken {
    SealedToken {
        sealed: text.as_bytes().to_vec(),
        origin: Some([7; 32]),
        issued: at,
        signed_in: at,
    }
}

/// Everything that a table must do, whoever it is.
async fn behaves(table: &dyn SignInTable) {
    let at = |seconds: i64| DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap();
    assert_eq!(table.sign_in("contoso").await.unwrap(), None);

    table.note_refused("contoso", at(1), "no").await.unwrap();
    table.note_refused("contoso", at(2), "still no").await.unwrap();
    let row = table.sign_in("contoso").await.unwrap().unwrap();
    let refused = |since, why: &str| {
        Some(BlockedSignIn {
            since: at(since),
            why: why.into(),
        })
    };
    assert_eq!(
        (row.token, row.refreshed, row.refused),
        (None, None, refused(1, "still no"))
    );

    table.note_refreshed("contoso", at(3)).await.unwrap();
    let row = table.sign_in("contoso").await.unwrap().unwrap();
    assert_eq!((row.token, row.refreshed, row.refused), (None, Some(at(3)), None));

    table.note_refused("contoso", at(4), "no").await.unwrap();
    table.store_sign_in("contoso", sealed("first", at(5))).await.unwrap();
    let second = SealedToken {
        origin: None,
        issued: at(6),
        ..sealed("second", at(5))
    };
    table.store_sign_in("contoso", second.clone()).await.unwrap();
    let row = table.sign_in("contoso").await.unwrap().unwrap();
    assert_eq!(
        (row.token.as_ref(), row.refreshed, &row.refused),
        (Some(&second), Some(at(6)), &None)
    );

    table.note_refused("contoso", at(7), "ended").await.unwrap();
    let ended = SignInRow {
        refused: refused(7, "ended"),
        ..row
    };
    table.note_refreshed("a/b", at(8)).await.unwrap();
    let names: Vec<_> = table.sign_ins().await.unwrap();
    assert_eq!(
        names.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["a/b", "contoso"]
    );
    assert_eq!(names[1].1, ended, "the token stays");
}

#[tokio::test]
async fn the_ledger_keeps_sign_ins() {
    let mut d = Desktop::new().await;
    behaves(&*d.ledger).await;
    let before = d.ledger.sign_ins().await.unwrap();
    d.reopen().await;
    assert_eq!(d.ledger.sign_ins().await.unwrap(), before);
}

#[tokio::test]
async fn the_side_door_keeps_sign_ins_while_nobody_and_while_somebody_has_the_ledger() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("mailjob.db");
    open(&path, Hands::new().clock()).await.unwrap().close().await;
    behaves(&ExternalSqlite::open(&path).await.unwrap()).await;
    let ledger = open(&path, Hands::new().clock()).await.unwrap();
    assert_eq!(ledger.sign_ins().await.unwrap().len(), 2);
    behaves_once_more(&ledger, &ExternalSqlite::open(&path).await.unwrap()).await;
}

/// Each sees what the other wrote, at once.
async fn behaves_once_more(ledger: &Sqlite, side: &ExternalSqlite) {
    let token = |text: &str| sealed(text, DateTime::UNIX_EPOCH);
    for round in 0..3 {
        let (here, there) = (token(&format!("here {round}")), token(&format!("there {round}")));
        ledger.store_sign_in("both", here.clone()).await.unwrap();
        assert_eq!(side.sign_in("both").await.unwrap().unwrap().token, Some(here));
        side.store_sign_in("both", there.clone()).await.unwrap();
        assert_eq!(ledger.sign_in("both").await.unwrap().unwrap().token, Some(there));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn neither_hinders_the_other_under_load() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("mailjob.db");
    let ledger = Arc::new(open(&path, Arc::new(Utc::now)).await.unwrap());
    let side = ExternalSqlite::open(&path).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..8)
        .map(|number| {
            let (ledger, done) = (ledger.clone(), done.clone());
            tokio::spawn(async move {
                let mut writes = 0;
                while !done.load(Ordering::SeqCst) {
                    let text = format!("{number} {writes}");
                    ledger.store_sign_in("load", sealed(&text, Utc::now())).await?;
                    ledger.sign_in("load").await?;
                    writes += 1;
                }
                Ok::<_, Error>(writes)
            })
        })
        .collect();
    for round in 0..50 {
        let token = sealed(&format!("round {round}"), DateTime::UNIX_EPOCH);
        soon(side.store_sign_in("contoso", token.clone())).await.unwrap();
        assert_eq!(ledger.sign_in("contoso").await.unwrap().unwrap().token, Some(token));
        soon(side.sign_ins()).await.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    for writer in load {
        assert!(soon(writer).await.unwrap().unwrap() > 0);
    }
}

#[tokio::test]
async fn the_side_door_brings_an_old_ledger_up_to_date_unless_somebody_has_it() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("mailjob.db");
    old_ledger(&path, &[]);
    let LockAttempt::Held(lock) = lock::hold(&lock::beside(&path), Utc::now()).unwrap() else {
        panic!("it is held")
    };
    // Time passes by itself when nobody has anything to do.
    tokio::time::pause();
    let error = ExternalSqlite::open(&path).await.map(drop).unwrap_err();
    let holder = format!("process {} on ", std::process::id());
    assert!(
        matches!(&error, Error::Older { found: 1, holder: said, .. } if said.starts_with(&holder)),
        "{error:?}"
    );
    assert!(
        error
            .to_string()
            .ends_with("start that process again with this version of Mailjob"),
        "{error}"
    );
    drop(lock);
    behaves(&ExternalSqlite::open(&path).await.unwrap()).await;
}

#[tokio::test]
async fn the_side_door_refuses_a_newer_ledger() {
    let d = Desktop::new().await;
    d.ledger.close().await;
    rusqlite::Connection::open(d.path())
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let error = ExternalSqlite::open(&d.path()).await.map(drop).unwrap_err();
    assert!(matches!(error, Error::Newer { found: 99, .. }), "{error:?}");
}

#[tokio::test]
async fn one_at_a_time_has_the_turn_of_a_sign_in() {
    let d = Desktop::new().await;
    let side = ExternalSqlite::open(&d.path()).await.unwrap();
    let turn = soon(d.ledger.lock_sign_in("contoso")).await.unwrap();
    drop(soon(side.lock_sign_in("contoso/of-another")).await.unwrap());

    let ask = || side.take_named(NamedLease::SignIn, "contoso").boxed();
    let error = soon(sign_in_lock::take("contoso", Duration::ZERO, ask))
        .await
        .unwrap_err();
    let Error::SignInBusy { name, holder, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!(name, "contoso");
    assert!(
        holder.starts_with(&format!("process {} on ", std::process::id())),
        "{holder}"
    );

    let waiting = tokio::spawn(async move { side.lock_sign_in("contoso").await.map(drop) });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    drop(turn);
    soon(waiting).await.unwrap().unwrap();
}

#[tokio::test]
async fn who_gives_up_waiting_for_a_turn_leaves_it_to_others() {
    let d = Desktop::new().await;
    let turn = soon(d.ledger.lock_sign_in("contoso")).await.unwrap();
    let mut waiting = d.ledger.lock_sign_in("contoso");
    assert!((&mut waiting).now_or_never().is_none());
    drop(waiting);
    drop(turn);
    soon(d.ledger.lock_sign_in("contoso")).await.unwrap();
}

/// A ledger as the first schema had it, with tokens of accounts.
pub(in crate::ledger) fn old_ledger(path: &std::path::Path, tokens: &[(&str, &str)]) {
    let db = rusqlite::Connection::open(path).unwrap();
    db.execute_batch("PRAGMA journal_mode = WAL").unwrap();
    db.execute_batch(include_str!("../migrations/0001_ledger.sql")).unwrap();
    db.pragma_update(None, "user_version", 1).unwrap();
    for (account, token) in tokens {
        db.execute(
            "INSERT INTO token (account, refresh_token, origin, stored) VALUES (?1, ?2, ?3, 1800000000000000)
             ON CONFLICT (account) DO UPDATE SET refresh_token = excluded.refresh_token",
            rusqlite::params![account, token, [7_u8; 32]],
        )
        .unwrap();
    }
}
