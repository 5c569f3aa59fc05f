//! Signing in with a real authorization server that rotates refresh tokens and revokes a grant whose token is used twice.

use std::sync::Arc;

use chrono::Utc;
use futures_util::future::join_all;
use mailjob::{
    auth::{AuthError, AuthVerdict, Credential, Login},
    config::{Auth, Grant, SendSecret, Tls},
    ledger::sqlite::{self, Sqlite},
    secret::ExposeSecret,
};
use mailjob_testbed::{CLIENT_SECRET, Options, World};

use crate::accounts::{account, application, login, oauth, refreshing, secret, write_secret};

const USER: &str = "ada@example.test";

async fn ledger(world: &World, name: &str) -> Arc<Sqlite> {
    let path = world.dir().join(name);
    Arc::new(sqlite::open(&path, Arc::new(Utc::now)).await.unwrap())
}

async fn login_with(world: &World, auth: Auth) -> Login {
    let name = format!("{}.db", fastrand::u64(..));
    let account = Arc::new(account(world, USER, Tls::Implicit, auth));
    login(&account, &ledger(world, &name).await)
}

async fn token(login: &Login) -> Result<String, AuthError> {
    match login.credential().await? {
        Credential::Bearer(token) => Ok(token.expose_secret().to_owned()),
        Credential::Password(_) => panic!("a password"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rotated_tokens_outlive_the_process() {
    let world = World::start(Options::default()).await.unwrap();
    let first = world.oauth.refresh_token(USER, "mailjob").await.unwrap();
    let account = Arc::new(account(&world, USER, Tls::Implicit, refreshing(&world, &first)));
    let ledger = ledger(&world, "ledger.db").await;
    let mut seen = Vec::new();
    for _restart in 0..3 {
        let login = login(&account, &ledger);
        for _refresh in 0..2 {
            let credential = login.credential().await.unwrap();
            login.rejected(&credential);
            let Credential::Bearer(token) = credential else {
                panic!("a password")
            };
            seen.push(token.expose_secret().to_owned());
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 6, "six different tokens");
    assert_eq!(world.oauth.requests("refresh_token").await.unwrap(), (6, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_up_token_needs_an_operator_and_a_new_one_helps_at_once() {
    let world = World::start(Options::default()).await.unwrap();
    let first = world.oauth.refresh_token(USER, "mailjob").await.unwrap();
    let auth = refreshing(&world, &first);
    token(&login_with(&world, auth.clone()).await).await.unwrap();

    // A ledger that was lost with its volume: the first token was used before.
    let login = login_with(&world, auth).await;
    for _ in 0..3 {
        let error = token(&login).await.unwrap_err();
        assert!(
            matches!(&error, AuthError::Refused(refusal) if refusal.code() == "invalid_grant"),
            "{error:?}"
        );
        assert_eq!(error.verdict(), AuthVerdict::SlowDown);
        assert!(error.to_string().contains("sign in anew"), "{error}");
    }
    let (_, refused) = world.oauth.requests("refresh_token").await.unwrap();
    assert_eq!(refused, 1, "the server is left alone");

    let anew = world.oauth.refresh_token(USER, "mailjob").await.unwrap();
    write_secret(&world.dir().join("refresh-token"), &anew);
    token(&login).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_every_kind() {
    let world = World::start(Options::default()).await.unwrap();
    let kinds = [
        ("mailjob", Some(CLIENT_SECRET), SendSecret::Body),
        ("mailjob-basic", Some(CLIENT_SECRET), SendSecret::Basic),
        ("mailjob-public", None, SendSecret::Body),
    ];
    for (client, client_secret, send) in kinds {
        let first = world.oauth.refresh_token(USER, client).await.unwrap();
        let grant = Grant::RefreshToken(Some(secret(&world, client, &first)));
        let auth = oauth(&world, client, client_secret, send, grant);
        let login = login_with(&world, auth).await;
        let tokens = join_all((0..10).map(|_| token(&login))).await;
        assert!(tokens.iter().all(Result::is_ok), "{client}: {tokens:?}");
    }
    assert_eq!(
        world.oauth.requests("refresh_token").await.unwrap(),
        (3, 0),
        "one at a time"
    );

    token(&login_with(&world, application(&world, USER)).await)
        .await
        .unwrap();
    assert_eq!(world.oauth.requests("client_credentials").await.unwrap(), (1, 0));

    let client = format!("app.{USER}");
    let wrong = oauth(
        &world,
        &client,
        Some("wrong"),
        SendSecret::Body,
        Grant::ClientCredentials,
    );
    let error = token(&login_with(&world, wrong).await).await.unwrap_err();
    assert!(
        matches!(&error, AuthError::Refused(refusal) if refusal.code() == "invalid_client"),
        "{error:?}"
    );
    assert_eq!(error.verdict(), AuthVerdict::SlowDown);
}
