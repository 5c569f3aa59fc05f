//! Answers of the token endpoint that a test made: in place of real ones, changed, lost, held.

use std::time::{Duration, Instant};

use mailjob_testbed::{CLIENT_SECRET, OAuth, Options, TokenAnswer, World};
use serde_json::{Value, json};

use super::{USER, sign_in::signs_in};
use crate::raw::xoauth2;

/// The answer; nothing when it isn't JSON, or never came.
async fn refresh(oauth: &OAuth, token: &str) -> Option<Value> {
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "mailjob"),
        ("client_secret", CLIENT_SECRET),
        ("refresh_token", token),
    ];
    oauth.token(&form).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_endpoint_does_what_the_test_says() {
    let world = World::start(Options::default()).await.unwrap();
    let oauth = &world.oauth;
    let first = oauth.refresh_token(USER, "mailjob").await.unwrap();
    let late = Duration::from_millis(50);
    let script = [
        TokenAnswer::text(500, "text/html", "<h1>Oops</h1>"),
        TokenAnswer::refusal("temporarily_unavailable").after(late),
        TokenAnswer::refusal("slow_down").to("client_credentials"),
        TokenAnswer::real().with("expires_in", json!(1e12)),
        TokenAnswer::real()
            .with("expires_in", json!(null))
            .with("scope", json!("mail")),
        TokenAnswer::real().lost(),
    ];
    oauth.script(&script).await.unwrap();
    assert!(
        refresh(oauth, &first).await.is_none(),
        "an answer that isn't JSON can't be read"
    );
    let before = Instant::now();
    assert_eq!(
        refresh(oauth, &first).await.unwrap()["error"],
        "temporarily_unavailable"
    );
    assert!(before.elapsed() >= late);

    let answer = refresh(oauth, &first).await.unwrap();
    assert_eq!(answer["expires_in"], 1_000_000_000_000_u64);
    let answer = refresh(oauth, answer["refresh_token"].as_str().unwrap()).await.unwrap();
    assert_eq!((answer.get("expires_in"), &answer["scope"]), (None, &json!("mail")));
    let second = answer["refresh_token"].as_str().unwrap();
    assert!(refresh(oauth, second).await.is_none(), "lost");
    let answer = refresh(oauth, second).await.unwrap();
    assert_eq!(answer["error"], "invalid_grant", "used up by the lost answer");

    assert_eq!(
        oauth.scripted().await.unwrap(),
        1,
        "the one for an application still waits"
    );
    let clash = TokenAnswer::refusal("x").with("expires_in", json!(1));
    assert!(oauth.script(&[clash]).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_held_and_released() {
    let world = World::start(Options::default()).await.unwrap();
    let oauth = &world.oauth;
    let first = oauth.refresh_token(USER, "mailjob").await.unwrap();
    oauth.hold("/token").await.unwrap();
    let answer = async { refresh(oauth, &first).await.unwrap() };
    let release = async {
        oauth.held("/token").await.unwrap();
        let granted = oauth.granted().len();
        assert_eq!(oauth.requests("refresh_token").await.unwrap(), (1, 0));
        oauth.release("/token").await.unwrap();
        granted
    };
    let (answer, granted) = tokio::join!(answer, release);
    let token = answer["access_token"].as_str().unwrap();
    assert_eq!(granted, 3, "two refresh tokens and an access token");
    assert!(oauth.granted().iter().any(|one| one == token));

    oauth.hold("/token/introspection").await.unwrap();
    let response = xoauth2(USER, token);
    let release = async {
        oauth.held("/token/introspection").await.unwrap();
        oauth.release("/token/introspection").await.unwrap();
    };
    let (entered, ()) = tokio::join!(signs_in(&world, "XOAUTH2", &response), release);
    assert!(entered);
}
