//! Who is let in, and who no longer.

use std::time::Duration;

use mailjob_testbed::{APP_SECRET, CLIENT_SECRET, Options, PASSWORD, World};

use super::USER;
use crate::raw::{Lines, oauthbearer, xoauth2};

/// Signs in at Dovecot by a SASL mechanism with an initial response; whether it was let in.
pub(crate) async fn signs_in(world: &World, mechanism: &str, response: &str) -> bool {
    let mut imap = Lines::tls(world.dovecot.imaps, &world.tls.ca).await;
    imap.until(&["* OK"]).await;
    let answer = imap
        .ask(&format!("a AUTHENTICATE {mechanism} {response}"), &["a ", "+ "])
        .await;
    if answer.starts_with("+ ") {
        // A refusal comes as a challenge that has to be answered first (RFC 7628 section 3.2.3).
        return imap.ask("", &["a "]).await.starts_with("a OK");
    }
    answer.starts_with("a OK") && imap.ask("b SELECT INBOX", &["b "]).await.starts_with("b OK")
}

#[tokio::test(flavor = "multi_thread")]
async fn dovecot_lets_in_who_has_a_good_token() {
    let world = World::start(Options::default()).await.unwrap();
    let token = world.oauth.access_token(USER).await.unwrap();
    assert!(signs_in(&world, "XOAUTH2", &xoauth2(USER, &token)).await);
    assert!(signs_in(&world, "OAUTHBEARER", &oauthbearer(USER, &token)).await);

    assert!(
        !signs_in(&world, "XOAUTH2", &xoauth2("eve@example.test", &token)).await,
        "another's mailbox"
    );
    for (shared, opens) in [
        ("shared.orders@example.test", true),
        ("shared.orders@elsewhere.test", false),
    ] {
        assert_eq!(
            signs_in(&world, "XOAUTH2", &xoauth2(shared, &token)).await,
            opens,
            "{shared}"
        );
    }
    assert!(
        !signs_in(&world, "XOAUTH2", &xoauth2(USER, "invented")).await,
        "an invented token"
    );

    world.oauth.revoke(USER).await.unwrap();
    assert!(
        !signs_in(&world, "XOAUTH2", &xoauth2(USER, &token)).await,
        "a revoked token"
    );
    assert!(
        !signs_in(&world, "OAUTHBEARER", &oauthbearer(USER, &token)).await,
        "a revoked token"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_ends_with_its_life() {
    let world = World::start(Options {
        access_ttl: 1,
        ..Options::default()
    })
    .await
    .unwrap();
    let token = world.oauth.access_token(USER).await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    while signs_in(&world, "XOAUTH2", &xoauth2(USER, &token)).await {
        assert!(tokio::time::Instant::now() < deadline, "a token of 1 s still works");
    }
    world.oauth.set_access_ttl(600).await.unwrap();
    let token = world.oauth.access_token(USER).await.unwrap();
    assert!(signs_in(&world, "XOAUTH2", &xoauth2(USER, &token)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_has_one_mailbox() {
    let world = World::start(Options::default()).await.unwrap();
    let client = format!("app.{USER}");
    let form = |secret| {
        [
            ("grant_type", "client_credentials"),
            ("client_id", &client),
            ("client_secret", secret),
            ("scope", "mail"),
        ]
    };
    let answer = world.oauth.token(&form(APP_SECRET)).await.unwrap();
    let token = answer["access_token"].as_str().unwrap();
    assert!(signs_in(&world, "XOAUTH2", &xoauth2(USER, token)).await);
    assert!(!signs_in(&world, "XOAUTH2", &xoauth2("eve@example.test", token)).await);

    assert_eq!(
        world.oauth.token(&form("wrong")).await.unwrap()["error"],
        "invalid_client"
    );
    assert_eq!(world.oauth.requests("client_credentials").await.unwrap(), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_that_is_used_twice_ends_the_grant() {
    let world = World::start(Options::default()).await.unwrap();
    let refresh = async |token: &str| {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "mailjob"),
            ("client_secret", CLIENT_SECRET),
            ("refresh_token", token),
        ];
        world.oauth.token(&form).await.unwrap()
    };
    let first = world.oauth.refresh_token(USER, "mailjob").await.unwrap();
    let answer = refresh(&first).await;
    let (access, second) = (
        answer["access_token"].as_str().unwrap(),
        answer["refresh_token"].as_str().unwrap(),
    );
    assert_ne!(first, second);
    assert!(signs_in(&world, "XOAUTH2", &xoauth2(USER, access)).await);

    assert_eq!(refresh(&first).await["error"], "invalid_grant");
    assert_eq!(
        refresh(second).await["error"],
        "invalid_grant",
        "the theft ended the whole grant"
    );
    assert!(!signs_in(&world, "XOAUTH2", &xoauth2(USER, access)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_may_start_plain_and_go_on_with_tls() {
    let world = World::start(Options::default()).await.unwrap();
    let mut imap = Lines::plain(world.dovecot.imap).await;
    assert!(imap.until(&["* OK"]).await.contains(" STARTTLS "));
    assert!(imap.ask("a STARTTLS", &["a "]).await.starts_with("a OK"));
    let mut imap = imap.start_tls(&world.tls.ca).await;
    assert!(
        imap.ask(&format!("b LOGIN {USER} {PASSWORD}"), &["b "])
            .await
            .starts_with("b OK")
    );
    assert!(
        imap.ask(&format!("c LOGIN {USER} wrong"), &["c "])
            .await
            .starts_with("c BAD"),
        "signed in already"
    );

    let mut other = Lines::tls(world.dovecot.imaps, &world.tls.ca).await;
    assert!(
        other
            .ask(&format!("a LOGIN {USER} wrong"), &["a "])
            .await
            .starts_with("a NO")
    );
}
