//! How a person lets a program in: by a browser, by a device's code; and what the authorization server refuses.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use mailjob_testbed::{NATIVE_REDIRECT, OAuth, Options, World};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::USER;

const VERIFIER: &str = "a-code-verifier-of-at-least-forty-three-characters";
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn authorize_url(oauth: &OAuth, redirect: &str, challenge: &str) -> String {
    format!(
        "{}?client_id=mailjob-public&response_type=code&scope=mail&state=st-1&redirect_uri={redirect}{challenge}",
        oauth.authorize_url()
    )
}

fn s256() -> String {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    format!("&code_challenge={challenge}&code_challenge_method=S256")
}

/// A parameter of a redirect.
fn parameter(url: &str, name: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
        .next()
}

async fn redeem(oauth: &OAuth, code: &str, redirect: &str, verifier: &str) -> Value {
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", "mailjob-public"),
        ("code", code),
        ("redirect_uri", redirect),
        ("code_verifier", verifier),
    ];
    oauth.token(&form).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_with_a_browser() {
    let world = World::start(Options::default()).await.unwrap();
    let oauth = &world.oauth;
    let redirects = [
        "http://localhost:51234/any/path",
        "http://127.0.0.1:9/",
        "http://localhost",
        NATIVE_REDIRECT,
    ];
    for redirect in redirects {
        let url = oauth
            .sign_in(&authorize_url(oauth, redirect, &s256()), USER)
            .await
            .unwrap();
        assert!(url.starts_with(redirect), "{url}");
        assert_eq!(parameter(&url, "state").as_deref(), Some("st-1"));
        let code = parameter(&url, "code").unwrap();
        let answer = redeem(oauth, &code, redirect, VERIFIER).await;
        assert!(
            answer["access_token"].is_string() && answer["refresh_token"].is_string(),
            "{answer}"
        );
        let again = redeem(oauth, &code, redirect, VERIFIER).await;
        assert_eq!(again["error"], "invalid_grant", "a code is for one time");
    }
    let redirect = redirects[0];
    let url = authorize_url(oauth, redirect, &s256());
    let wrong = parameter(&oauth.sign_in(&url, USER).await.unwrap(), "code").unwrap();
    let answer = redeem(oauth, &wrong, redirect, &VERIFIER.replace('-', "_")).await;
    assert_eq!(answer["error"], "invalid_grant", "another verifier");
    let code = parameter(&oauth.sign_in(&url, USER).await.unwrap(), "code").unwrap();
    let answer = redeem(oauth, &code, "http://localhost:51234/other", VERIFIER).await;
    assert_eq!(answer["error"], "invalid_grant", "another redirect");

    let denied = oauth.refuse_sign_in(&url).await.unwrap();
    assert_eq!(parameter(&denied, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&denied, "state").as_deref(), Some("st-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_without_pkce_or_to_elsewhere_is_refused() {
    let world = World::start(Options::default()).await.unwrap();
    let oauth = &world.oauth;
    let plain = format!("&code_challenge={VERIFIER}&code_challenge_method=plain");
    for challenge in ["", &plain] {
        let url = authorize_url(oauth, "http://localhost:1/", challenge);
        let refused = oauth.sign_in(&url, USER).await.unwrap();
        assert_eq!(parameter(&refused, "error").as_deref(), Some("invalid_request"));
    }
    for elsewhere in [
        "https://evil.example/",
        "http://localhost.evil.example/",
        "https://localhost/",
    ] {
        let error = oauth.sign_in(&authorize_url(oauth, elsewhere, &s256()), USER).await;
        assert!(error.unwrap_err().to_string().contains("400"), "{elsewhere}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn discovery_says_where_everything_is() {
    let world = World::start(Options::default()).await.unwrap();
    let oauth = &world.oauth;
    for document in ["openid-configuration", "oauth-authorization-server"] {
        let found = oauth.discovery(document).await.unwrap();
        assert_eq!(found["issuer"], oauth.issuer());
        assert_eq!(found["token_endpoint"], oauth.token_url());
        assert_eq!(found["device_authorization_endpoint"], oauth.device_url());
        assert_eq!(found["authorization_endpoint"], oauth.authorize_url());
    }
}

struct Device {
    device_code: String,
    user_code: String,
    interval: u64,
    life: u64,
}

async fn device(oauth: &OAuth) -> Device {
    let form = [("client_id", "mailjob-public"), ("scope", "mail")];
    let answer = oauth.device(&form).await.unwrap();
    let text = |key: &str| answer[key].as_str().unwrap().to_owned();
    Device {
        device_code: text("device_code"),
        user_code: text("user_code"),
        interval: answer["interval"].as_u64().unwrap(),
        life: answer["expires_in"].as_u64().unwrap(),
    }
}

async fn poll(oauth: &OAuth, device: &Device) -> Value {
    let form = [
        ("grant_type", DEVICE),
        ("client_id", "mailjob-public"),
        ("device_code", &device.device_code),
    ];
    oauth.token(&form).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_let_in_or_not() {
    let world = World::start(Options::default()).await.unwrap();
    let oauth = &world.oauth;
    // An interval of nothing: the server never finds a poll too early.
    let seconds = Duration::from_secs;
    oauth.set_device(seconds(600), seconds(0), seconds(5)).await.unwrap();
    let (good, bad) = (device(oauth).await, device(oauth).await);
    assert_eq!(poll(oauth, &good).await["error"], "authorization_pending");
    assert_eq!(poll(oauth, &good).await["error"], "authorization_pending");
    oauth.approve_device(USER, &good.user_code).await.unwrap();
    oauth.deny_device(&bad.user_code).await.unwrap();
    assert!(poll(oauth, &good).await["refresh_token"].is_string());
    assert_eq!(poll(oauth, &good).await["error"], "invalid_grant", "for one time");
    assert_eq!(poll(oauth, &bad).await["error"], "access_denied");

    oauth.set_device(seconds(60), seconds(300), seconds(7)).await.unwrap();
    let (hasty, slow) = (device(oauth).await, device(oauth).await);
    assert_eq!((hasty.life, hasty.interval), (60, 300));
    oauth.expire_device(&slow.user_code).await.unwrap();
    assert_eq!(poll(oauth, &slow).await["error"], "expired_token");
    for wait in [307, 314] {
        let answer = poll(oauth, &hasty).await;
        assert_eq!(answer["error"], "slow_down");
        assert_eq!(answer["error_description"], format!("poll every {wait} s"));
    }
    oauth.approve_device(USER, &hasty.user_code).await.unwrap();
    assert!(
        poll(oauth, &hasty).await["access_token"].is_string(),
        "too early is forgiven once there is a token"
    );
}
