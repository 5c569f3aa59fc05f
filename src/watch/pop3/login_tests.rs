use base64::{Engine, engine::general_purpose::STANDARD};

use super::*;
use crate::watch::{
    error::Verdict,
    script::{play, play_lines},
};

fn bearer() -> Credential {
    Credential::Bearer(Secret::from("t0ken"))
}

fn password() -> Credential {
    Credential::Password(Secret::from("pass word"))
}

async fn sign_in(script: &str, credential: Credential) -> Result<Pop3Capabilities, WatchError> {
    let (stream, server) = play(script);
    let who = MailboxSignIn {
        user: "me@example.test",
        credential: &credential,
        host: "pop.example.test",
        port: 995,
        whose: MailHost::Exchange,
    };
    let opened = async { open(greeted(stream).await?, &who).await }.await;
    server.finished().await;
    opened.map(|(_, capabilities)| capabilities)
}

fn offering(sasl: &str, rest: &str) -> String {
    format!("S: +OK hello\nL: CAPA\nS: +OK\nS: UIDL\nS: SASL {sasl}\nS: .\n{rest}")
}

const AFTER: &str = "\nL: CAPA\nS: +OK\nS: LOGIN-DELAY 60 USER\nS: .";

#[tokio::test]
async fn each_way_to_sign_in() {
    let xoauth2 = STANDARD.encode("user=me@example.test\x01auth=Bearer t0ken\x01\x01");
    let oauthbearer =
        STANDARD.encode("n,a=me@example.test,\x01host=pop.example.test\x01port=995\x01auth=Bearer t0ken\x01\x01");
    let plain = STANDARD.encode("\0me@example.test\0pass word");
    let two_lines = |name: &str, response: &str| format!("L: AUTH {name}\nS: + \nL: {response}\nS: +OK in");
    for (sasl, credential, lines) in [
        // As Exchange Online has it (learn.microsoft.com, "Authenticate an IMAP, POP or SMTP connection using OAuth").
        ("PLAIN XOAUTH2", bearer(), two_lines("XOAUTH2", &xoauth2)),
        ("OAUTHBEARER", bearer(), two_lines("OAUTHBEARER", &oauthbearer)),
        ("PLAIN XOAUTH2", password(), two_lines("PLAIN", &plain)),
        (
            "LOGIN",
            password(),
            "L: USER me@example.test\nS: +OK\nL: PASS pass word\nS: +OK in".to_owned(),
        ),
    ] {
        let capabilities = sign_in(&offering(sasl, &(lines + AFTER)), credential).await.unwrap();
        assert_eq!(capabilities.login_delay, Some(Duration::from_secs(60)), "{sasl}");
    }
}

#[tokio::test]
async fn a_server_without_capa_takes_a_password() {
    let script = "S: +OK\nL: CAPA\nS: -ERR what?\nL: USER *\nS: +OK\nL: PASS *\nS: +OK\nL: CAPA\nS: -ERR what?";
    assert_eq!(sign_in(script, password()).await.unwrap(), Pop3Capabilities::default());
    let error = sign_in("S: +OK\nL: CAPA\nS: -ERR what?", bearer()).await.unwrap_err();
    assert!(matches!(error, WatchError::NoMechanism(_)), "{error:?}");
}

#[tokio::test]
async fn a_challenge_that_tells_an_error_is_answered_and_kept() {
    // Dovecot 2.3 (2026-11).
    let json = STANDARD.encode(r#"{"status":"401","schemes":"bearer","scope":"mail"}"#);
    for (name, understood) in [("XOAUTH2", ""), ("OAUTHBEARER", "AQ==")] {
        let rest = format!("L: AUTH {name}\nS: + \nL: *\nS: + {json}\nL: {understood}\nS: -ERR [AUTH] failed.");
        let error = sign_in(&offering(name, &rest), bearer()).await.unwrap_err();
        let WatchError::Credential { mechanism, answer, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!(mechanism, name);
        assert!(answer.to_string().contains("\"status\":\"401\""), "{answer}");
    }
}

#[tokio::test]
async fn what_a_refusal_means() {
    let refused = |text: &str| offering("PLAIN", &format!("L: AUTH PLAIN\nS: + \nL: *\nS: -ERR {text}\nEOF"));
    for (text, kind) in [
        // Exchange Online (learn.microsoft.com), Dovecot.
        (
            "Authentication failure: unknown user name or bad password.",
            "credential",
        ),
        ("[AUTH] Authentication failed.", "credential"),
        ("[IN-USE] Do you have another POP session running?", "in use"),
        ("maildrop already locked", "in use"),
        ("Unable to lock maildrop: Mailbox is locked by POP server", "in use"),
        ("Your account is locked, and your mailbox with it", "credential"),
        ("[AUTH] mailbox locked", "credential"),
        ("[LOGIN-DELAY] minimum time between mail checks violation", "too soon"),
        ("[SYS/TEMP] try later", "bye"),
        ("[SYS/PERM] no", "refused"),
    ] {
        let error = sign_in(&refused(text), password()).await.unwrap_err();
        let found = match &error {
            WatchError::Credential { .. } => "credential",
            WatchError::InUse(_) => "in use",
            WatchError::TooSoon { .. } => "too soon",
            WatchError::Refused { .. } => "refused",
            WatchError::Bye(_) => "bye",
            _ => "else",
        };
        assert_eq!(found, kind, "{text}: {error:?}");
    }
    let error = sign_in(&refused("[LOGIN-DELAY] no"), password()).await.unwrap_err();
    assert_eq!(error.patience(), Some(PAUSE));
    assert_eq!(error.verdict(), Verdict::Reconnect);
    let delayed =
        "S: +OK\nL: CAPA\nS: +OK\nS: LOGIN-DELAY 900\nS: .\nL: USER *\nS: +OK\nL: PASS *\nS: -ERR [LOGIN-DELAY] no";
    let error = sign_in(delayed, password()).await.unwrap_err();
    assert_eq!(error.patience(), Some(Duration::from_secs(900)));
    let locked = "S: +OK\nL: CAPA\nS: -ERR\nL: USER *\nS: +OK\nL: PASS *\nS: -ERR [IN-USE] locked";
    assert!(matches!(sign_in(locked, password()).await, Err(WatchError::InUse(_))));
}

#[tokio::test]
async fn servers_that_play_games_are_left() {
    for (script, violation) in [
        ("S: + go on", Violation::Greeting),
        (
            &offering("PLAIN", "L: AUTH PLAIN\nS: +OK already in"),
            Violation::Unreadable,
        ),
        (
            &offering("PLAIN", &format!("L: AUTH PLAIN\n{}S: + \n", "S: + \nL: *\n".repeat(5))),
            Violation::Continue,
        ),
    ] {
        let error = sign_in(script, password()).await.unwrap_err();
        assert!(
            matches!(error, WatchError::Protocol(found) if found == violation),
            "{script}: {error:?}"
        );
    }
    let error = sign_in("S: * OK IMAP4rev1", password()).await.unwrap_err();
    assert!(error.to_string().contains("\"* OK IMAP4rev1\""), "{error}");
    let error = sign_in("S: -ERR [SYS/TEMP] too busy", password()).await.unwrap_err();
    assert!(matches!(error, WatchError::Bye(_)), "{error:?}");
}

async fn secured(script: &str) -> Result<(), WatchError> {
    let (stream, server) = play(script);
    let secured = stls(stream).await;
    server.finished().await;
    secured.map(drop)
}

#[tokio::test]
async fn stls_or_nothing() {
    let offered = "S: +OK\nL: CAPA\nS: +OK\nS: STLS\nS: .\nL: STLS\n";
    secured(&format!("{offered}S: +OK begin")).await.unwrap();
    for script in [
        "S: +OK\nL: CAPA\nS: +OK\nS: USER\nS: .",
        "S: +OK\nL: CAPA\nS: -ERR",
        &format!("{offered}S: -ERR not now"),
    ] {
        let error = secured(script).await.unwrap_err();
        assert!(
            matches!(error, WatchError::Protocol(Violation::NoTls)),
            "{script}: {error:?}"
        );
    }
}

/// CVE-2021-33515 and its like.
#[tokio::test]
async fn what_comes_before_tls_is_refused() {
    let lines = [
        "S: +OK",
        "L: CAPA",
        "S: +OK",
        "S: STLS",
        "S: .",
        "L: STLS",
        "S: +OK\r\n+OK injected",
    ];
    let (stream, _server) = play_lines(lines.map(str::to_owned).to_vec());
    let error = stls(stream).await.map(drop).unwrap_err();
    assert!(matches!(error, WatchError::Protocol(Violation::Injected)), "{error:?}");
}

/// What is offered and refused is followed by the next way, once; what is said then of our credential is believed.
#[tokio::test]
async fn a_way_that_is_refused_is_followed_by_the_next() {
    let plain = STANDARD.encode("\0me@example.test\0pass word");
    let no = "-ERR PLAIN is not supported";
    let bare = format!("L: AUTH PLAIN\nS: {no}\nL: AUTH PLAIN {plain}\n");
    let user = "L: USER me@example.test\nS: +OK\nL: PASS pass word\n";
    for (what, rest, mechanism) in [
        (
            "PLAIN is offered and refused",
            format!("L: AUTH PLAIN\nS: + \nL: {plain}\nS: {no}\n{user}S: +OK"),
            None,
        ),
        ("it is not known", format!("{bare}S: {no}\n{user}S: +OK"), None),
        ("it wants all in one line", format!("{bare}S: +OK"), None),
        (
            "both are refused",
            format!("L: AUTH PLAIN\nS: +\nL: *\nS: {no}\n{user}S: -ERR wrong"),
            Some("PASS"),
        ),
        (
            "there is no USER",
            format!("L: AUTH PLAIN\nS: +\nL: *\nS: {no}\nL: USER *\nS: -ERR what?"),
            Some("PLAIN"),
        ),
        (
            "it leaves",
            format!("L: AUTH PLAIN\nS: +\nL: *\nS: {no}\nEOF"),
            Some("PLAIN"),
        ),
        (
            "it is the credential",
            "L: AUTH PLAIN\nS: +\nL: *\nS: -ERR [AUTH] wrong".to_owned(),
            Some("PLAIN"),
        ),
    ] {
        let rest = if mechanism.is_none() { rest + AFTER } else { rest };
        let signed_in = sign_in(&offering("PLAIN LOGIN", &rest), password()).await;
        match (signed_in, mechanism) {
            (Ok(_), None) => {}
            (Err(WatchError::Credential { mechanism: found, .. }), Some(mechanism)) => {
                assert_eq!(found, mechanism, "{what}")
            }
            (other, _) => panic!("{what}: {other:?}"),
        }
    }
}

/// What a server quotes of our sign-in is struck out of its words, whatever it says them with, then and later.
#[tokio::test]
async fn an_echo_tells_nobody_the_password() {
    let plain = STANDARD.encode("\0me@example.test\0pass word");
    let said = |answer: &str| format!("L: AUTH PLAIN\nS: +\nL: *\nS: {answer}\nEOF");
    for (sasl, rest) in [
        ("PLAIN", said(&format!("-ERR [AUTH] bad: AUTH PLAIN {plain}"))),
        ("PLAIN", said(&format!("-ERR [SYS/TEMP] bad: {plain}"))),
        ("PLAIN", said(&format!("-ERR [IN-USE] {plain} has it"))),
        ("PLAIN", said(&format!("535 bad: {plain}"))),
        (
            "PLAIN",
            said(&format!(
                "+ {}\nL: *\nS: -ERR [AUTH] so",
                STANDARD.encode("wrong: pass word")
            )),
        ),
        (
            "LOGIN",
            "L: USER *\nS: +OK\nL: PASS *\nS: -ERR bad: PASS pass word".to_owned(),
        ),
        ("LOGIN", "L: USER *\nS: +OK\nL: PASS *\nS: PASS pass word".to_owned()),
        (
            "LOGIN",
            "L: USER *\nS: +OK\nL: PASS *\nS: +OK\nS: pass word\nS: -ERR".to_owned(),
        ),
    ] {
        let error = sign_in(&offering(sasl, &rest), password()).await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("***"), "{rest}: {shown}");
        for secret in ["pass word", &plain, &plain[8..16]] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_server_that_has_odd_words_for_capa_is_asked_no_more() {
    let script = "S:  +OK  ready \nL: CAPA\nS: 500 unknown command\nL: USER *\nS: +ok\nL: PASS *\nS:   +OK\nL: CAPA\nS: 500 what?";
    assert_eq!(sign_in(script, password()).await.unwrap(), Pop3Capabilities::default());
}
