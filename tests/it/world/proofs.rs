//! Clients that sign: the server believes a signature only with everything that belongs to it.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use mailjob_testbed::{Certificate, OAuth, Options, World};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{USER, sign_in::signs_in};
use crate::raw::xoauth2;

const CLIENT: &str = "11111111-2222-3333-4444-555555555555";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const MAIL: &str = "https://mail.google.com/";

fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

/// `x5t#S256`: the SHA-256 of the certificate's DER.
fn thumbprint(certificate: &str) -> String {
    let base64: String = certificate.lines().filter(|line| !line.starts_with('-')).collect();
    URL_SAFE_NO_PAD.encode(Sha256::digest(STANDARD.decode(base64).unwrap()))
}

/// The object with these fields changed.
fn changed(object: &Value, changes: &Value) -> Value {
    let mut object = object.as_object().unwrap().clone();
    object.extend(changes.as_object().unwrap().clone());
    Value::Object(object)
}

async fn client_credentials(oauth: &OAuth, client: &str, assertion: &str) -> Value {
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client),
        ("scope", "mail"),
        ("client_assertion_type", ASSERTION),
        ("client_assertion", assertion),
    ];
    oauth.token(&form).await.unwrap()
}

async fn let_in(world: &World, answer: &Value) -> bool {
    let Some(token) = answer["access_token"].as_str() else {
        panic!("no token: {answer}")
    };
    signs_in(world, "XOAUTH2", &xoauth2(USER, token)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_proves_who_an_application_is() {
    let world = World::start(Options::default()).await.unwrap();
    let oauth = &world.oauth;
    let Certificate { certificate, key } = oauth.register_certificate(CLIENT, USER).await.unwrap();
    let other = oauth.certificate().await.unwrap();
    let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint(&certificate) });
    let claims = json!({
        "aud": oauth.token_url(), "iss": CLIENT, "sub": CLIENT, "jti": "one", "nbf": now(), "exp": now() + 300,
    });
    let good = oauth.sign(&key, header.clone(), claims.clone()).await.unwrap();
    let answer = client_credentials(oauth, CLIENT, &good).await;
    assert!(let_in(&world, &answer).await);
    assert!(
        answer.get("refresh_token").is_none(),
        "an application has its certificate"
    );
    assert_eq!(
        client_credentials(oauth, CLIENT, &good).await["error"],
        "invalid_client"
    );

    let cases = [
        (
            "thumbprint of another",
            &key,
            json!({ "x5t#S256": thumbprint(&other.certificate) }),
            json!({}),
        ),
        ("no thumbprint", &key, json!({ "x5t#S256": null }), json!({})),
        ("algorithm", &key, json!({ "alg": "RS256" }), json!({})),
        ("another key", &other.key, json!({}), json!({})),
        (
            "audience",
            &key,
            json!({}),
            json!({ "aud": "https://elsewhere.example/token" }),
        ),
        ("expired", &key, json!({}), json!({ "exp": now() - 1 })),
        ("not yet", &key, json!({}), json!({ "nbf": now() + 100 })),
        ("issuer", &key, json!({}), json!({ "iss": "somebody" })),
        ("no jti", &key, json!({}), json!({ "jti": null })),
    ];
    for (number, (what, key, in_header, in_claims)) in cases.into_iter().enumerate() {
        let claims = changed(&changed(&claims, &json!({ "jti": number.to_string() })), &in_claims);
        let assertion = oauth.sign(key, changed(&header, &in_header), claims).await.unwrap();
        let answer = client_credentials(oauth, CLIENT, &assertion).await;
        assert_eq!(answer["error"], "invalid_client", "{what}");
    }
    let (good, bad) = oauth.requests("client_credentials").await.unwrap();
    assert_eq!((good, bad), (1, 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_issuer_vouches_for_an_application() {
    let world = World::start(Options::default()).await.unwrap();
    let oauth = &world.oauth;
    let federation = oauth
        .register_federation(CLIENT, USER, "mail", "mailjob")
        .await
        .unwrap();
    let token = oauth.federated_token(&federation, 600).await.unwrap();
    assert!(let_in(&world, &client_credentials(oauth, CLIENT, &token).await).await);
    assert!(
        client_credentials(oauth, CLIENT, &token).await["access_token"].is_string(),
        "until it ends it may be used again, as Kubernetes replaces it seldom"
    );

    let expired = oauth.federated_token(&federation, -1).await.unwrap();
    assert_eq!(
        client_credentials(oauth, CLIENT, &expired).await["error"],
        "invalid_client"
    );
    let other = oauth.certificate().await.unwrap();
    let header = json!({ "alg": "RS256", "kid": "kubernetes" });
    let claims = federation.claims(600);
    let cases = [
        ("key", &other.key, json!({})),
        ("issuer", &federation.key, json!({ "iss": "https://other.example" })),
        (
            "subject",
            &federation.key,
            json!({ "sub": "system:serviceaccount:mail:other" }),
        ),
        ("audience", &federation.key, json!({ "aud": ["https://kubernetes"] })),
        ("no end", &federation.key, json!({ "exp": null })),
    ];
    for (what, key, changes) in cases {
        let token = oauth
            .sign(key, header.clone(), changed(&claims, &changes))
            .await
            .unwrap();
        let answer = client_credentials(oauth, CLIENT, &token).await;
        assert_eq!(answer["error"], "invalid_client", "{what}");
    }
    let form = [("grant_type", "client_credentials"), ("client_id", CLIENT)];
    assert_eq!(oauth.token(&form).await.unwrap()["error"], "invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_speaks_for_a_domain() {
    let world = World::start(Options::default()).await.unwrap();
    let oauth = &world.oauth;
    let name = "robot@testbed.iam.example.test";
    let account = oauth.register_service_account(name, "example.test").await.unwrap();
    let header = json!({ "alg": "RS256", "typ": "JWT", "kid": account.key_id });
    let claims = account.claims(USER);
    let ask = async |key: &str, header: &Value, claims: Value| {
        let assertion = oauth.sign(key, header.clone(), claims).await.unwrap();
        let form = [("grant_type", BEARER), ("assertion", &assertion)];
        oauth.token(&form).await.unwrap()
    };
    let answer = ask(&account.key, &header, claims.clone()).await;
    assert!(let_in(&world, &answer).await);
    assert!(
        answer.get("refresh_token").is_none(),
        "a service account has its key: {answer}"
    );

    let other = oauth.certificate().await.unwrap().key;
    let kid = changed(&header, &json!({ "kid": "other" }));
    let cases = [
        (
            "unauthorized_client",
            &account.key,
            &header,
            json!({ "sub": "ada@elsewhere.test" }),
        ),
        ("unauthorized_client", &account.key, &header, json!({ "sub": null })),
        ("invalid_grant", &other, &header, json!({})),
        ("invalid_grant", &account.key, &kid, json!({})),
        (
            "invalid_grant",
            &account.key,
            &header,
            json!({ "iss": "stranger@example.test" }),
        ),
        (
            "invalid_grant",
            &account.key,
            &header,
            json!({ "aud": "https://elsewhere.example" }),
        ),
        (
            "invalid_grant",
            &account.key,
            &header,
            json!({ "iat": now() - 20, "exp": now() - 10 }),
        ),
        (
            "invalid_grant",
            &account.key,
            &header,
            json!({ "iat": now(), "exp": now() + 3700 }),
        ),
        (
            "invalid_scope",
            &account.key,
            &header,
            json!({ "scope": "https://example.test/all" }),
        ),
    ];
    for (error, key, header, changes) in cases {
        let answer = ask(key, header, changed(&claims, &changes)).await;
        assert_eq!(answer["error"], error, "{changes}");
    }
    assert_eq!(oauth.requests(BEARER).await.unwrap(), (1, 9));

    let file = world.dir().join("service-account.json");
    account.write(&file).unwrap();
    let json: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(json["type"], "service_account");
    assert_eq!(json["client_email"], name);
    assert_eq!(json["token_uri"], oauth.token_url());
    assert!(
        json["private_key"]
            .as_str()
            .unwrap()
            .starts_with("-----BEGIN PRIVATE KEY-----")
    );
    assert!(json["scope"].is_null() && claims["scope"] == MAIL);
}
