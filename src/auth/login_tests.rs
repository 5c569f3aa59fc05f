//! A sign-in's life, against a token server of our own.

#[path = "login_odd_tests.rs"]
mod odd;

use std::{sync::atomic::Ordering, time::Duration};

use sha2::{Digest, Sha256};

use super::*;
use crate::{
    auth::{AuthVerdict, StoredToken, life::Life, login_world::*},
    secret::ExposeSecret,
};
use chrono::Utc;

/// Makes the token in use as old as `seconds`.
fn age(world: &World, seconds: u64) {
    let mut token = world.login.shared.token.0.lock().unwrap();
    let asked = Instant::now() - Duration::from_secs(seconds);
    token.as_mut().unwrap().life = Life::new(asked, Duration::from_secs(3600));
}

#[tokio::test]
async fn a_refresh_sends_what_rfc_6749_section_6_says() {
    let server = TokenServer::start(|n, _| grant(n, None)).await;
    let world = world(&server.url, refreshing);
    assert_eq!(world.token().await.unwrap(), "access-1");
    assert_eq!(world.token().await.unwrap(), "access-1");
    assert_eq!(
        server.requests(),
        [
            "grant_type=refresh_token&refresh_token=first&scope=imap+offline_access&client_id=client+id&client_secret=hush"
        ]
    );
    assert_eq!(world.store.saves.load(Ordering::SeqCst), 0, "nothing was rotated");
}

#[tokio::test]
async fn client_credentials_send_what_rfc_6749_section_4_4_says() {
    let server = TokenServer::start(|n, _| grant(n, Some("not asked for"))).await;
    let world = world(&server.url, credentials);
    assert_eq!(world.token().await.unwrap(), "access-1");
    assert_eq!(
        server.requests(),
        ["grant_type=client_credentials&scope=imap+offline_access&client_id=client+id&client_secret=hush"]
    );
    assert_eq!(world.store.refresh_token(), None);
}

#[tokio::test]
async fn many_who_ask_at_once_make_one_request() {
    let server = TokenServer::start(|n, _| grant(n, Some("second"))).await;
    let world = world(&server.url, refreshing);
    let tokens = futures_util::future::join_all((0..50).map(|_| world.token())).await;
    assert!(tokens.iter().all(|token| token.as_ref().unwrap() == "access-1"));
    assert_eq!(server.requests().len(), 1);
    assert_eq!(world.store.saves.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_rotated_refresh_token_is_used_next() {
    let server = TokenServer::start(|n, _| grant(n, Some(&format!("rotated-{n}")))).await;
    let world = world(&server.url, refreshing);
    assert_eq!(world.token().await.unwrap(), "access-1");
    assert_eq!(world.store.refresh_token().as_deref(), Some("rotated-1"));
    age(&world, 3500);
    assert_eq!(world.token().await.unwrap(), "access-2");
    assert!(
        server.requests()[1].contains("refresh_token=rotated-1&"),
        "{:?}",
        server.requests()
    );
    assert_eq!(world.store.refresh_token().as_deref(), Some("rotated-2"));
}

#[tokio::test]
async fn a_new_sign_in_wins_over_the_stored_token() {
    let server = TokenServer::start(|n, _| grant(n, Some(&format!("rotated-{n}")))).await;
    let world = world(&server.url, refreshing);
    world.token().await.unwrap();
    write_secret(&world.folder.path().join("refresh"), "anew");
    age(&world, 9999);
    world.token().await.unwrap();
    assert!(
        server.requests()[1].contains("refresh_token=anew&"),
        "{:?}",
        server.requests()
    );
    age(&world, 9999);
    world.token().await.unwrap();
    assert!(
        server.requests()[2].contains("refresh_token=rotated-2&"),
        "{:?}",
        server.requests()
    );
}

#[tokio::test]
async fn no_access_token_is_used_before_its_refresh_token_is_stored() {
    let server = TokenServer::start(|n, _| grant(n, Some("second"))).await;
    let world = world(&server.url, refreshing);
    world.store.full.store(true, Ordering::SeqCst);
    let error = world.token().await.unwrap_err();
    assert!(matches!(error, AuthError::Store(_)), "{error:?}");
    assert_eq!(error.verdict(), AuthVerdict::Reconnect);
    assert!(world.login.shared.token.0.lock().unwrap().is_none());

    world.store.full.store(false, Ordering::SeqCst);
    world.login.shared.flight.lock().await.trouble.as_mut().unwrap().until = Instant::now();
    assert_eq!(world.token().await.unwrap(), "access-1", "what was granted isn't lost");
    assert_eq!(world.store.refresh_token().as_deref(), Some("second"));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn who_gives_up_waiting_loses_no_refresh_token() {
    let server = TokenServer::start(|n, _| grant(n, Some("second"))).await;
    let world = world(&server.url, refreshing);
    let mut asking = Box::pin(world.login.credential());
    assert!(futures_util::poll!(&mut asking).is_pending());
    drop(asking);
    tokio::time::timeout(Duration::from_secs(20), world.store.saved.notified())
        .await
        .unwrap();
    assert_eq!(world.store.refresh_token().as_deref(), Some("second"));
}

#[tokio::test]
async fn while_no_fresh_token_is_to_be_had_the_ageing_one_serves() {
    let server = TokenServer::start(|n, _| if n == 1 { grant(1, None) } else { json(500, "") }).await;
    let world = world(&server.url, refreshing);
    assert_eq!(world.token().await.unwrap(), "access-1");
    age(&world, 3000);
    assert_eq!(world.token().await.unwrap(), "access-1");
    assert_eq!(server.requests().len(), 2, "another was asked for");
    assert_eq!(world.token().await.unwrap(), "access-1");
    assert_eq!(server.requests().len(), 2, "but not at each call");
    age(&world, 3600);
    assert!(matches!(world.token().await.unwrap_err(), AuthError::Busy { .. }));
}

#[tokio::test]
async fn a_rejected_token_is_not_used_again() {
    let server = TokenServer::start(|n, _| grant(n, None)).await;
    let world = world(&server.url, refreshing);
    let first = world.login.credential().await.unwrap();
    world.login.rejected(&first);
    assert_eq!(world.token().await.unwrap(), "access-2");
    world.login.rejected(&first);
    assert_eq!(world.token().await.unwrap(), "access-2", "the newer one isn't meant");
}

#[tokio::test]
async fn after_a_refusal_only_new_secrets_are_tried_at_once() {
    let server = TokenServer::start(|n, form| {
        if form.contains("refresh_token=first&") {
            json(400, r#"{"error":"invalid_grant"}"#)
        } else {
            grant(n, None)
        }
    })
    .await;
    let world = world(&server.url, refreshing);
    for _ in 0..5 {
        assert!(matches!(world.token().await.unwrap_err(), AuthError::Refused(_)));
    }
    assert_eq!(server.requests().len(), 1);
    assert!(
        world
            .store
            .refused
            .lock()
            .unwrap()
            .as_ref()
            .unwrap()
            .contains("sign in anew")
    );

    // Who waits is woken by them, not by the hour.
    let paused = world.login.pause(Duration::from_secs(3600), AuthVerdict::SlowDown);
    write_secret(&world.folder.path().join("refresh"), "anew");
    tokio::time::timeout(Duration::from_secs(60), paused).await.unwrap();
    assert_eq!(world.token().await.unwrap(), "access-2");
    assert_eq!(*world.store.refused.lock().unwrap(), None);
}

#[tokio::test]
async fn what_a_person_signed_in_wakes_who_waits() {
    let server = TokenServer::start(|n, form| {
        if form.contains("grant_type=refresh_token&refresh_token=elsewhere&") {
            grant(n, None)
        } else {
            json(400, r#"{"error":"invalid_grant"}"#)
        }
    })
    .await;
    let world = world(&server.url, refreshing);
    world.token().await.unwrap_err();
    let paused = tokio::spawn({
        let login = world.login.clone();
        async move { login.pause(Duration::from_secs(3600), AuthVerdict::SlowDown).await }
    });
    // Another process stores it, as `mailjob auth login` does.
    let origin = Some(Sha256::digest("first").into());
    let now = Utc::now();
    let token = StoredToken {
        refresh_token: Secret::from("elsewhere"),
        origin,
        issued: now,
        signed_in: now,
    };
    world.store.save("contoso", token).await.unwrap();
    tokio::time::timeout(Duration::from_secs(60), paused)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(world.token().await.unwrap(), "access-2");
}

#[tokio::test]
async fn a_sign_in_is_kept_alive_although_nobody_asks() {
    let server = TokenServer::start(|n, _| grant(n, Some(&format!("rotated-{n}")))).await;
    let world = world(&server.url, refreshing);
    let keeping = tokio::spawn({
        let login = world.login.clone();
        async move { login.keep().await }
    });
    world.store.saved.notified().await;
    tokio::time::pause();
    // 80 % of an hour.
    tokio::time::advance(Duration::from_secs(2875)).await;
    assert_eq!(server.requests().len(), 1);
    tokio::time::advance(Duration::from_secs(10)).await;
    tokio::time::resume();
    world.store.saved.notified().await;
    assert_eq!(world.store.refresh_token().as_deref(), Some("rotated-2"));
    keeping.abort();
}

#[tokio::test]
async fn a_secret_that_comes_back_is_used() {
    let server = TokenServer::start(|n, _| grant(n, None)).await;
    let world = world(&server.url, refreshing);
    let file = world.folder.path().join("client");
    std::fs::remove_file(&file).unwrap();
    let error = world.token().await.unwrap_err();
    assert!(matches!(error, AuthError::Secret(_)), "{error:?}");
    assert_eq!(error.verdict(), AuthVerdict::SlowDown);
    write_secret(&file, "hush");
    assert_eq!(world.token().await.unwrap(), "access-1");
}

#[tokio::test]
async fn a_password_is_read_each_time() {
    let world = world("http://127.0.0.1:1/", credentials);
    let file = world.folder.path().join("client");
    let mut account = (*world.login.shared.account).clone();
    account.auth = Auth::Password(SecretRef::File(file.clone()));
    let login = Login::new(Arc::new(account), &[], world.store.clone(), http());
    for password in ["one", "two"] {
        write_secret(&file, password);
        match login.credential().await.unwrap() {
            Credential::Password(secret) => assert_eq!(secret.expose_secret(), password),
            Credential::Bearer(_) => panic!("a token"),
        }
    }
}

#[tokio::test]
async fn a_sign_in_that_is_forgotten_or_replaced_is_used_no_more() {
    let server = TokenServer::start(|n, _| grant(n, None)).await;
    let world = world(&server.url, refreshing);
    let now = Utc::now();
    let token = |refresh_token: &str, signed_in| StoredToken {
        refresh_token: Secret::from(refresh_token.to_owned()),
        origin: Some(Sha256::digest("first").into()),
        issued: now,
        signed_in,
    };
    world.store.save("contoso", token("a", now)).await.unwrap();
    let keeping = tokio::spawn({
        let login = world.login.clone();
        async move { login.keep().await }
    });
    let used = async |expected: &str| {
        while world.token().await.ok().as_deref() != Some(expected) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    used("access-1").await;
    // Somebody else signs in, in another process.
    let later = now + chrono::TimeDelta::minutes(1);
    world.store.save("contoso", token("b", later)).await.unwrap();
    used("access-2").await;
    let asked = server.requests().pop().unwrap();
    assert!(asked.contains("refresh_token=b"), "{asked}");
    // And somebody forgets it: what the configuration has is tried.
    *world.store.token.lock().unwrap() = None;
    used("access-3").await;
    let asked = server.requests().pop().unwrap();
    assert!(asked.contains("refresh_token=first"), "{asked}");
    keeping.abort();
}
