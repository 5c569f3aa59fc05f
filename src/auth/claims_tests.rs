use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::config::Cloud;

const MICROSOFT: Provider = Provider::Microsoft(Cloud::Global);
const TENANT: &str = "2371829a-0c4d-422b-870f-b47456bf4d0c";

fn jwt(claims: &Value) -> Secret {
    let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
    Secret::from(format!("eyJhbGciOiJub25lIn0.{payload}.c2ln"))
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn doubts(claims: Value, uses: &[Protocol]) -> Vec<String> {
    let expected = Expected {
        provider: MICROSOFT,
        uses,
        user: "ada@contoso.example",
        tenant: Some(TENANT),
        now: now(),
    };
    let claims = Claims::read(&jwt(&claims)).unwrap();
    claims.doubts(&expected).into_iter().map(|doubt| doubt.what).collect()
}

fn person() -> Value {
    json!({
        "aud": "https://outlook.office.com", "scp": "IMAP.AccessAsUser.All SMTP.Send", "tid": TENANT, "exp": 1_800_003_600,
        "iat": 1_800_000_000, "appid": "3706d681", "upn": "Ada@contoso.example",
    })
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

#[test]
fn a_person_s_token() {
    let claims = Claims::read(&jwt(&person())).unwrap();
    assert_eq!(claims.scopes, ["IMAP.AccessAsUser.All", "SMTP.Send"]);
    assert_eq!(claims.expires.unwrap().timestamp(), 1_800_003_600);
    assert_eq!(claims.issued.unwrap().timestamp(), 1_800_000_000);
    assert_eq!(claims.application.as_deref(), Some("3706d681"));
    assert!(!claims.app_only);
    assert_eq!(doubts(person(), &[Protocol::Imap, Protocol::Smtp]), [""; 0]);
}

#[test]
fn an_application_s_token() {
    let claims = json!({
        "aud": ["https://outlook.office365.com/"], "roles": ["IMAP.AccessAsApp"], "idtyp": "app", "tid": TENANT, "exp": 1_800_003_600,
    });
    assert!(Claims::read(&jwt(&claims)).unwrap().app_only);
    assert_eq!(doubts(claims.clone(), &[Protocol::Imap]), [""; 0]);
    assert_eq!(
        doubts(claims, &[Protocol::Imap, Protocol::Pop3, Protocol::Smtp]),
        [
            "the access token lacks POP.AccessAsApp, which POP3 needs",
            "the access token lacks SMTP.SendAsApp, which SMTP needs"
        ]
    );
}

#[test]
fn what_is_odd_is_named() {
    let uses = &[Protocol::Imap];
    for (name, value, words) in [
        ("aud", json!("00000003-0000-0000-c000-000000000000"), "Microsoft Graph"),
        ("aud", json!("https://graph.microsoft.com/"), "Microsoft Graph"),
        ("aud", json!("api://other"), "made for api://other"),
        ("scp", json!("User.Read"), "lacks IMAP.AccessAsUser.All"),
        (
            "tid",
            json!("9188040d-6c67-4c5b-b112-36a304b66dad"),
            "is of tenant 9188040d",
        ),
        ("upn", json!("bob@contoso.example"), "bob@contoso.example's"),
        ("exp", json!(1_799_999_999), "has expired at 2027-01-15 07:59:59 UTC"),
    ] {
        let found = doubts(with(person(), name, value), uses);
        assert!(found.len() == 1 && found[0].contains(words), "{name}: {found:?}");
    }
    let full = with(
        person(),
        "scp",
        json!("https://outlook.office.com/IMAP.AccessAsUser.All"),
    );
    assert_eq!(doubts(full, uses), [""; 0]);
}

#[test]
fn other_providers_are_asked_for_the_time_only() {
    let claims = Claims::read(&jwt(&json!({ "aud": "anything", "scope": "mail openid", "exp": 1 }))).unwrap();
    assert_eq!(claims.scopes, ["mail", "openid"]);
    let expected = Expected {
        provider: Provider::Other,
        uses: &[Protocol::Imap],
        user: "ada",
        tenant: None,
        now: now(),
    };
    let found = claims.doubts(&expected);
    assert!(found.len() == 1 && found[0].what.contains("has expired"), "{found:?}");
}

#[test]
fn the_end_is_a_time_in_seconds_and_nothing_else_is_one() {
    for (exp, expected) in [
        (json!(1_800_000_000), Some(1_800_000_000)),
        (json!(1_800_000_000.9), Some(1_800_000_000)),
        (json!("1800000000"), None),
        (json!(9e300), None),
        (json!(null), None),
    ] {
        let claims = Claims::read(&jwt(&json!({ "exp": exp }))).unwrap();
        assert_eq!(claims.expires.map(|ends| ends.timestamp()), expected, "{exp}");
    }
}

#[test]
fn opaque_tokens() {
    for token in [
        "",
        "ya29.a0AfB_byC",
        "a.b",
        "a.b.c",
        "a.bnVsbA.c",
        "a.e30.c.d.e",
        "eyJ.W10.x",
    ] {
        assert_eq!(Claims::read(&Secret::from(token.to_owned())), None, "{token}");
    }
    let huge = format!("a.{}.c", "A".repeat(LONGEST_TOKEN));
    assert_eq!(Claims::read(&Secret::from(huge)), None);
    assert_eq!(
        Claims::read(&Secret::from("a.e30.c".to_owned())),
        Some(Claims::default())
    );
}

#[test]
fn claims_are_shown_without_control_characters_or_end() {
    let claims = json!({ "upn": format!("\u{1b}[31m{}", "x".repeat(5000)), "roles": vec!["y"; 5000] });
    let claims = Claims::read(&jwt(&claims)).unwrap();
    assert!(claims.roles.len() == MOST_ENTRIES);
    let user = claims.user.unwrap();
    assert!(user.chars().count() == LONGEST_CLAIM && !user.contains('\u{1b}'));
}

proptest! {
    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400), text in ".{0,200}") {
        let wrapped = format!("a.{}.c", URL_SAFE_NO_PAD.encode(&bytes));
        for token in [text, wrapped, String::from_utf8_lossy(&bytes).into_owned()] {
            if let Some(claims) = Claims::read(&Secret::from(token)) {
                let expected = Expected { provider: MICROSOFT, uses: &[Protocol::Imap], user: "u", tenant: Some("t"), now: now() };
                prop_assert!(claims.doubts(&expected).len() < 10);
            }
        }
    }
}
