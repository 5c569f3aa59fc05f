//! What is tried after a refusal, and what not.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    tests::{bearer, password, sign_in, sign_in_again},
    *,
};

const START: &str = "
        S: * OK ready
        C: CAPABILITY";
const IN: &str = "
        S: $ OK [CAPABILITY IMAP4rev1] in
        C: SELECT *
        S: $ OK";
const LOGIN: &str = r#"C: LOGIN "me@example.test" "pa\"ss""#;

/// Servers that offer PLAIN and take LOGIN alone (curl issue 8979, K-9 pull 2650, Migadu; 2026-11), and such as offer initial
/// responses and know none.
#[tokio::test]
async fn what_is_offered_and_refused_is_followed_by_what_is_left() {
    let plain = STANDARD.encode("\0me@example.test\0pa\"ss");
    for (offered, rest) in [
        (
            "SASL-IR AUTH=PLAIN",
            format!("C: AUTHENTICATE PLAIN {plain}\nS: $ NO unsupported mechanism\n{LOGIN}"),
        ),
        (
            "SASL-IR AUTH=PLAIN",
            format!("C: AUTHENTICATE PLAIN {plain}\nS: $ NO [AUTHENTICATIONFAILED] no\n{LOGIN}"),
        ),
        (
            "AUTH=PLAIN",
            format!("C: AUTHENTICATE PLAIN\nS: $ BAD unknown command\n{LOGIN}"),
        ),
        (
            "AUTH=PLAIN",
            format!("C: AUTHENTICATE PLAIN\nS: +\nL: {plain}\nS: $ BAD no\n{LOGIN}"),
        ),
        (
            "SASL-IR AUTH=PLAIN",
            format!("C: AUTHENTICATE PLAIN {plain}\nS: $ BAD no\nC: AUTHENTICATE PLAIN\nS: +\nL: {plain}"),
        ),
        (
            "SASL-IR AUTH=PLAIN",
            format!("C: AUTHENTICATE PLAIN {plain}\nS: $ BAD no\nC: AUTHENTICATE PLAIN\nS: $ NO no\n{LOGIN}"),
        ),
    ] {
        let script = format!("{START}\nS: * CAPABILITY IMAP4rev1 {offered}\nS: $ OK\n{rest}{IN}");
        sign_in(&script, password())
            .await
            .unwrap_or_else(|error| panic!("{rest}: {error}"));
    }
    let script = format!(
        "{START}
        S: * CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2
        S: $ OK
        C: AUTHENTICATE XOAUTH2 *
        S: $ BAD too many arguments
        C: AUTHENTICATE XOAUTH2
        S: +
        L: dXNl*{IN}"
    );
    sign_in(&script, bearer()).await.unwrap();
}

#[tokio::test]
async fn a_refusal_that_means_the_account_is_followed_by_nothing() {
    for (offered, answer) in [
        ("SASL-IR AUTH=PLAIN LOGINDISABLED", "NO wrong"),
        ("SASL-IR AUTH=PLAIN", "NO [UNAVAILABLE] later"),
        ("SASL-IR AUTH=PLAIN", "NO [LIMIT] too many"),
        ("SASL-IR AUTH=PLAIN", "NO [EXPIRED] new password, please"),
        (
            "SASL-IR AUTH=PLAIN",
            "BAD Request is throttled. Suggested Backoff Time: 1000 milliseconds",
        ),
    ] {
        let script = format!(
            "{START}\nS: * CAPABILITY IMAP4rev1 {offered}\nS: $ OK\nC: AUTHENTICATE PLAIN *\nS: $ {answer}\nC: *{IN}"
        );
        let error = sign_in(&script, password()).await.unwrap_err();
        assert!(error.to_string().contains(answer), "{error}");
    }
}

/// A server counts wrong passwords: both ways are tried once, and then the one.
#[tokio::test]
async fn a_wrong_password_is_not_said_twice_each_time() {
    let habit = Habit::default();
    let start = format!("{START}\nS: * CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\nS: $ OK\n");
    let plain = "C: AUTHENTICATE PLAIN *\nS: $ NO [AUTHENTICATIONFAILED] no\n";
    let first = format!("{start}{plain}{LOGIN}\nS: $ NO not so");
    let error = sign_in_again(&first, password(), &habit).await.unwrap_err();
    assert!(error.to_string().contains("NO not so"), "{error}");
    let then = format!("{start}{plain}C: *{IN}");
    for _ in 0..3 {
        let error = sign_in_again(&then, password(), &habit).await.unwrap_err();
        assert!(matches!(error, WatchError::Credential { .. }), "{error:?}");
    }
    // Another password is another matter.
    let other = Credential::Password(Secret::from("new"));
    let script = format!("{start}{plain}C: LOGIN *{IN}");
    sign_in_again(&script, other.clone(), &habit).await.unwrap();
    // Where LOGIN worked, it goes first.
    sign_in_again(&format!("{start}C: LOGIN *{IN}"), other, &habit)
        .await
        .unwrap();
}

/// A server that leaves whoever it refuses hears LOGIN in the next session.
#[tokio::test]
async fn login_is_tried_in_the_next_session_where_this_one_is_over() {
    let habit = Habit::default();
    let start = format!("{START}\nS: * CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\nS: $ OK\n");
    let left = format!("{start}C: AUTHENTICATE PLAIN *\nS: $ NO no\nS: * BYE\nEOF");
    let error = sign_in_again(&left, password(), &habit).await.unwrap_err();
    assert!(matches!(error, WatchError::Credential { .. }), "{error:?}");
    sign_in_again(&format!("{start}{LOGIN}{IN}"), password(), &habit)
        .await
        .unwrap();
}
