use std::time::Duration;

use super::*;
use crate::{
    config::{AuthorizationServer, Cloud, Grant, SendSecret, TokenSource},
    secret::SecretRef,
};

fn at(text: &str) -> DateTime<Utc> {
    let day = text.parse::<chrono::NaiveDate>().unwrap();
    day.and_hms_opt(12, 0, 0).unwrap().and_utc()
}

fn secret() -> SecretRef {
    SecretRef::Env("SECRET".into())
}

fn account(provider: Provider, auth: Auth) -> Account {
    Account {
        name: "contoso".into(),
        sign_in: "contoso".into(),
        provider,
        user: "invoices@contoso.example".into(),
        imap: None,
        pop3: None,
        smtp: None,
        auth,
        ca_file: None,
        client: None,
        from: None,
        pace: None,
        hello: None,
        smtp_auth: true,
    }
}

fn oauth(client: ClientProof, grant: Grant, days: Option<u64>) -> Auth {
    Auth::OAuth(Box::new(OAuth {
        server: AuthorizationServer::Discover { issuer: String::new() },
        client_id: "mailjob".into(),
        client,
        scopes: None,
        grant,
        ca_file: None,
        refresh_life: days.map(|days| Duration::from_secs(days * 86_400)),
    }))
}

fn person(days: Option<u64>) -> Auth {
    oauth(ClientProof::Public, Grant::RefreshToken(None), days)
}

fn known(issued: &str, refreshed: &str) -> SignInInfo {
    SignInInfo {
        issued: Some(at(issued)),
        signed_in: Some(at(issued)),
        refreshed: Some(at(refreshed)),
        refused: None,
    }
}

fn ends(forecast: &Forecast) -> Vec<(ExpiringSecret, String, i64)> {
    let each = forecast.expiries.iter();
    each.map(|expiry| (expiry.what, expiry.ends.format("%FT%R").to_string(), expiry.days))
        .collect()
}

#[test]
fn a_refresh_token_ends_as_its_provider_says() {
    let microsoft = Provider::Microsoft(Cloud::Global);
    // provider, days written, issued, last used → end, days left on 2 January 2027
    for (provider, written, issued, refreshed, end, days) in [
        (
            microsoft,
            None,
            "2026-12-31",
            "2027-01-01",
            Some("2027-03-31T12:00"),
            88,
        ),
        (
            microsoft,
            Some(7),
            "2026-12-31",
            "2027-01-01",
            Some("2027-01-07T12:00"),
            5,
        ),
        (
            Provider::Google,
            None,
            "2025-01-01",
            "2027-01-01",
            Some("2027-07-01T12:00"),
            180,
        ),
        (
            Provider::Google,
            None,
            "2027-01-01",
            "2026-01-01",
            Some("2027-07-01T12:00"),
            180,
        ),
        (
            Provider::Google,
            Some(7),
            "2026-12-31",
            "2027-01-01",
            Some("2027-01-07T12:00"),
            5,
        ),
        (
            Provider::Google,
            None,
            "2025-01-01",
            "2026-07-02",
            Some("2027-01-02T12:00"),
            0,
        ),
        (Provider::Other, None, "2025-01-01", "2027-01-01", None, 0),
        (
            Provider::Other,
            Some(30),
            "2026-12-01",
            "2027-01-01",
            Some("2026-12-31T12:00"),
            -2,
        ),
    ] {
        let account = account(provider, person(written));
        let seen = forecast(
            &account,
            &known(issued, refreshed),
            &AccountFacts::default(),
            at("2027-01-02"),
        );
        let expected: Vec<_> = end
            .map(|end| (ExpiringSecret::RefreshToken, end.to_owned(), days))
            .into_iter()
            .collect();
        assert_eq!(ends(&seen), expected, "{provider:?} {written:?} {issued} {refreshed}");
        assert_eq!(seen.state, LoginState::SignedIn);
        assert_eq!(seen.age, Some(at("2027-01-02") - at(issued)));
    }
}

#[test]
fn what_proves_the_client_ends_too() {
    let now = at("2027-01-02");
    let facts = AccountFacts {
        certificate: Some(at("2027-01-12")),
        token: Some(TokenFile {
            ends: Some(at("2027-01-03")),
            written: Some(now),
        }),
    };
    let secret_until = |expires: Option<&str>| ClientProof::Secret {
        secret: secret(),
        send: SendSecret::Body,
        expires: expires.map(|day| day.parse().unwrap()),
    };
    let certificate = ClientProof::Certificate {
        certificate: "client.pem".into(),
        key: secret(),
    };
    let application = |client| oauth(client, Grant::ClientCredentials, None);
    for (auth, expected) in [
        (
            application(secret_until(Some("2027-01-08"))),
            vec![(ExpiringSecret::ClientSecret, "2027-01-08T00:00", 6)],
        ),
        (application(secret_until(None)), vec![]),
        (
            application(certificate),
            vec![(ExpiringSecret::Certificate, "2027-01-12T12:00", 10)],
        ),
        (
            application(ClientProof::Federated("t".into())),
            vec![(ExpiringSecret::FederatedToken, "2027-01-03T12:00", 1)],
        ),
        (
            Auth::Token(TokenSource::Kept(SecretRef::File("t".into()))),
            vec![(ExpiringSecret::AccessToken, "2027-01-03T12:00", 1)],
        ),
        (Auth::Password(secret()), vec![]),
    ] {
        let seen = forecast(
            &account(Provider::Other, auth.clone()),
            &SignInInfo::default(),
            &facts,
            now,
        );
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(what, end, days)| (what, end.to_owned(), days))
            .collect();
        assert_eq!(ends(&seen), expected, "{auth:?}");
        assert_eq!(seen.state, LoginState::NeedsNoSignIn);
    }
}

#[test]
fn states_in_words() {
    let refused = SignInInfo {
        refused: Some(BlockedSignIn {
            since: at("2027-01-01"),
            why: "revoked".into(),
        }),
        ..known("2026-12-01", "2026-12-31")
    };
    let application = oauth(ClientProof::Public, Grant::ClientCredentials, None);
    for (auth, known, words) in [
        (person(None), SignInInfo::default(), "never signed in"),
        (person(None), known("2027-01-01", "2027-01-01"), "signed in"),
        (
            person(None),
            refused.clone(),
            "needs sign-in since 2027-01-01 12:00 UTC: revoked",
        ),
        (
            application.clone(),
            refused,
            "needs sign-in since 2027-01-01 12:00 UTC: revoked",
        ),
        (application, SignInInfo::default(), "needs no sign-in"),
        (Auth::Password(secret()), SignInInfo::default(), "needs no sign-in"),
    ] {
        let seen = forecast(
            &account(Provider::Other, auth),
            &known,
            &AccountFacts::default(),
            at("2027-01-02"),
        );
        assert_eq!(seen.state.to_string(), words);
    }
}

#[test]
fn what_cannot_be_known_is_said() {
    let says = |provider, auth| doubt(&account(provider, auth));
    assert!(says(Provider::Google, person(None)).unwrap().contains("Testing"));
    assert_eq!(says(Provider::Google, person(Some(7))), None);
    assert!(
        says(Provider::Other, person(None))
            .unwrap()
            .contains("refresh_token_life")
    );
    assert_eq!(says(Provider::Microsoft(Cloud::Global), person(None)), None);
    assert_eq!(says(Provider::Google, Auth::Password(secret())), None);
}
