use base64::{Engine, engine::general_purpose::STANDARD};

use super::*;
use crate::watch::script::{play, play_lines};

pub(super) fn bearer() -> Credential {
    Credential::Bearer(Secret::from("t0ken"))
}

pub(super) fn password() -> Credential {
    Credential::Password(Secret::from("pa\"ss"))
}

pub(super) async fn sign_in(script: &str, credential: Credential) -> Result<(ImapCapabilities, Selected), WatchError> {
    sign_in_again(script, credential, &Habit::default()).await
}

pub(super) async fn sign_in_again(
    script: &str,
    credential: Credential,
    habit: &Habit,
) -> Result<(ImapCapabilities, Selected), WatchError> {
    let (stream, server) = play(script);
    let who = MailboxSignIn {
        user: "me@example.test",
        credential: &credential,
        host: "imap.example.test",
        port: 993,
        whose: MailHost::Exchange,
    };
    let opened = async { open(greeted(stream).await?, &who, "INBOX", habit).await }.await;
    let found = opened.map(|(_, capabilities, selected)| (capabilities, selected));
    if found.is_ok() {
        server.finished().await;
    }
    found
}

fn words(error: &WatchError) -> String {
    error.to_string()
}

#[tokio::test]
async fn xoauth2_in_one_round_trip() {
    let script = "
        S: * OK ready
        C: CAPABILITY
        S: * CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2 AUTH=OAUTHBEARER
        S: $ OK
        C: AUTHENTICATE XOAUTH2 dXNlcj1tZUBleGFtcGxlLnRlc3QBYXV0aD1CZWFyZXIgdDBrZW4BAQ==
        S: * CAPABILITY IMAP4rev1 IDLE MOVE
        S: $ OK [CAPABILITY IMAP4rev1 IDLE MOVE ID] in
        C: ID (\"name\" \"Mailjob\" \"version\" \"*\")
        S: * ID NIL
        S: $ OK
        C: SELECT \"INBOX\"
        S: * 3 EXISTS
        S: * OK [UIDVALIDITY 17] x
        S: * OK [UIDNEXT 9] x
        S: $ OK [READ-WRITE] selected";
    let (capabilities, selected) = sign_in(script, bearer()).await.unwrap();
    assert!(capabilities.idle && capabilities.moves && !capabilities.xoauth2);
    assert_eq!((selected.uid_validity, selected.uid_next), (Some(17), Some(9)));
}

#[tokio::test]
async fn oauthbearer_where_there_is_nothing_else_and_no_sasl_ir() {
    let script = "
        S: * OK ready
        C: CAPABILITY
        S: * CAPABILITY IMAP4rev1 AUTH=OAUTHBEARER
        S: $ OK
        C: AUTHENTICATE OAUTHBEARER
        S: +
        L: bixhPW1lQGV4YW1wbGUudGVzdCwBaG9zdD1pbWFwLmV4YW1wbGUudGVzdAFwb3J0PTk5MwFhdXRoPUJlYXJlciB0MGtlbgEB
        S: $ OK in
        C: CAPABILITY
        S: * CAPABILITY IMAP4rev1 IDLE
        S: $ OK
        C: SELECT \"INBOX\"
        S: $ OK";
    let (capabilities, selected) = sign_in(script, bearer()).await.unwrap();
    assert!(capabilities.idle);
    assert_eq!(selected, Selected::default());
}

#[tokio::test]
async fn an_error_challenge_is_answered_and_its_text_kept() {
    let json = STANDARD.encode(r#"{"status":"401","schemes":"bearer"}"#);
    for (offered, understood) in [("AUTH=XOAUTH2", ""), ("AUTH=OAUTHBEARER", "AQ==")] {
        let script = format!(
            "S: * OK ready
            C: CAPABILITY
            S: * CAPABILITY IMAP4rev1 SASL-IR {offered}
            S: $ OK
            C: AUTHENTICATE *
            S: + {json}
            L: {understood}
            S: $ NO [AUTHENTICATIONFAILED] Authentication failed."
        );
        let error = sign_in(&script, bearer()).await.unwrap_err();
        assert!(
            matches!(&error, WatchError::Credential { answer, .. } if answer.is("AUTHENTICATIONFAILED")),
            "{error:?}"
        );
        assert!(words(&error).contains(r#""status":"401""#), "{error}");
    }
}

#[tokio::test]
async fn passwords_go_by_plain_or_by_login() {
    let plain = "
        S: * OK ready
        C: CAPABILITY
        S: * CAPABILITY IMAP4rev1 AUTH=PLAIN
        S: $ OK
        C: AUTHENTICATE PLAIN
        S: + 
        L: AG1lQGV4YW1wbGUudGVzdABwYSJzcw==
        S: $ OK
        C: CAPABILITY
        S: * CAPABILITY IMAP4rev1
        S: $ OK
        C: SELECT *
        S: $ OK";
    sign_in(plain, password()).await.unwrap();
    let login = r#"
        S: * OK ready
        C: CAPABILITY
        S: * CAPABILITY IMAP4rev1
        S: $ OK
        C: LOGIN "me@example.test" "pa\"ss"
        S: $ OK [CAPABILITY IMAP4rev1] in
        C: SELECT *
        S: $ OK"#;
    sign_in(login, password()).await.unwrap();
}

#[tokio::test]
async fn a_password_that_could_be_a_command_is_not_sent() {
    let script = "
        S: * OK ready
        C: CAPABILITY
        S: * CAPABILITY IMAP4rev1
        S: $ OK";
    for bad in ["a\r\nA9 LOGOUT", "pässwort", "a\0"] {
        let error = sign_in(script, Credential::Password(Secret::from(bad)))
            .await
            .unwrap_err();
        assert!(matches!(error, WatchError::NoMechanism(_)), "{error:?}");
    }
}

/// What a server quotes of our sign-in is struck out of its words, whatever it says them with, then and later.
#[tokio::test]
async fn an_echo_tells_nobody_the_password() {
    let plain = STANDARD.encode("\0me@example.test\0pa\"ss");
    let challenge = STANDARD.encode("wrong: pa\"ss");
    let start = "S: * OK hi\nC: CAPABILITY\nS: * CAPABILITY IMAP4rev1";
    for rest in [
        format!("SASL-IR AUTH=PLAIN\nS: $ OK\nC: AUTHENTICATE *\nS: $ NO bad: A2 AUTHENTICATE PLAIN {plain}"),
        format!("SASL-IR AUTH=PLAIN\nS: $ OK\nC: AUTHENTICATE *\nS: $ BAD [X-{plain}] {plain}"),
        format!("SASL-IR AUTH=PLAIN\nS: $ OK\nC: AUTHENTICATE *\nS: * BYE {plain}"),
        format!("SASL-IR AUTH=PLAIN\nS: $ OK\nC: AUTHENTICATE *\nS: + {challenge}\nL: *\nS: $ NO so"),
        format!("AUTH=PLAIN\nS: $ OK\nC: AUTHENTICATE PLAIN\nS: +\nL: *\nS: $ NO {plain}"),
        r#"ID
        S: $ OK
        C: LOGIN "*
        S: $ NO bad: LOGIN "me@example.test" "pa\"ss""#
            .to_owned(),
        r#"ID
        S: $ OK
        C: LOGIN "*
        S: $ OK [CAPABILITY IMAP4rev1] in
        C: SELECT *
        S: $ NO after LOGIN "me@example.test" "pa\"ss""#
            .to_owned(),
    ] {
        let error = sign_in(&format!("{start} {rest}\nEOF"), password()).await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("***"), "{shown}");
        for secret in ["pa\"ss", "pa\\\"ss", &plain, &plain[8..16], &challenge] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[tokio::test]
async fn nothing_to_sign_in_with() {
    for (offered, credential) in [("LOGINDISABLED", password()), ("AUTH=PLAIN", bearer())] {
        let script = format!("S: * OK hi\nC: CAPABILITY\nS: * CAPABILITY IMAP4rev1 {offered}\nS: $ OK");
        let error = sign_in(&script, credential).await.unwrap_err();
        assert!(matches!(error, WatchError::NoMechanism(_)), "{error:?}");
    }
}

#[tokio::test]
async fn exchange_says_ok_to_a_user_without_a_mailbox() {
    let start = "
        S: * OK ready
        C: CAPABILITY
        S: * CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2
        S: $ OK
        C: AUTHENTICATE *";
    let at_select = format!(
        "{start}
        S: $ OK [CAPABILITY IMAP4rev1] AUTHENTICATE completed.
        C: SELECT *
        S: $ BAD User is authenticated but not connected.
        S: * BYE Connection closed. 14"
    );
    let at_id = format!(
        "{start}
        S: $ OK [CAPABILITY IMAP4rev1 ID] AUTHENTICATE completed.
        C: ID *
        S: $ BAD User is authenticated but not connected.
        S: * BYE Connection closed. 14
        EOF"
    );
    for script in [at_select, at_id] {
        let error = sign_in(&script, bearer()).await.unwrap_err();
        assert!(matches!(error, WatchError::Credential { .. }), "{error:?}");
        assert!(words(&error).contains("not connected"), "{error}");
    }
}

#[tokio::test]
async fn busy_is_not_refused() {
    for answer in ["NO [UNAVAILABLE] later", "NO [LIMIT] too many"] {
        let script = format!(
            "S: * OK hi\nC: CAPABILITY\nS: * CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2\nS: $ OK\nC: AUTHENTICATE *\nS: $ {answer}"
        );
        let error = sign_in(&script, bearer()).await.unwrap_err();
        assert!(matches!(error, WatchError::Refused { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn greetings_that_are_none() {
    let long = format!("S: * OK {}", "x".repeat(2 << 20));
    for (script, words) in [
        ("S: * PREAUTH welcome", "skips the sign-in"),
        ("S: * 5 EXISTS", "no greeting"),
        (&long, "a line that has no end"),
        // IceWarp leaves out the star (2026-11).
        (
            "S:  NO LOGOUT Too many connections",
            "it said: NO LOGOUT Too many connections",
        ),
        ("S: * NO go away", "it said: NO go away"),
        ("S: * BYE overloaded", "it said: BYE overloaded"),
        ("S: * BAD [ALERT] who?", "it said: BAD [ALERT] who?"),
        ("S: HTTP/1.1 400 Bad Request", "it said: HTTP/1.1 400 Bad Request"),
        ("S: +OK POP3 ready", "it said: +OK POP3 ready"),
        ("S: 220 mail.example ESMTP", "it said: 220 mail.example ESMTP"),
    ] {
        let error = greeted(play_lines(vec![script.to_owned()]).0).await.unwrap_err();
        let shown = &script[..script.len().min(40)];
        assert!(error.to_string().contains(words), "{shown}: {error}");
    }
    for good in [
        "S: *  OK",
        "S: * ok [CAPABILITY IMAP4rev1",
        "B: * OK a\n",
        "S: * OK a\0\rb\u{e9}",
    ] {
        greeted(play_lines(vec![good.to_owned()]).0).await.unwrap();
    }
    let error = greeted(play("EOF").0).await.unwrap_err();
    assert!(matches!(error, WatchError::Closed), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_server() {
    let error = greeted(play("WAIT 1").0).await.unwrap_err();
    assert!(matches!(error, WatchError::Silent(_)), "{error:?}");
    // One that drips.
    let drip = (0..100)
        .flat_map(|_| ["B: *".to_owned(), "WAIT 5".to_owned()])
        .collect();
    let begun = tokio::time::Instant::now();
    let error = greeted(play_lines(drip).0).await.unwrap_err();
    assert_eq!(error.to_string(), "the greeting did not end within 60 s");
    assert_eq!(begun.elapsed().as_secs(), 60);
}

#[tokio::test]
async fn starttls_gives_back_a_clean_stream() {
    let (stream, server) = play(
        "
        S: * OK ready
        C: CAPABILITY
        S: * CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED
        S: $ OK
        C: STARTTLS
        S: $ OK begin",
    );
    starttls(stream).await.unwrap();
    server.finished().await;
}

#[tokio::test]
async fn starttls_that_is_none() {
    let offered = "S: * CAPABILITY IMAP4rev1 STARTTLS";
    for (offered, rest, violation) in [
        ("S: * CAPABILITY IMAP4rev1", "", Violation::NoTls),
        (offered, "S: $ NO not now", Violation::NoTls),
        (
            offered,
            "S: $ OK\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN",
            Violation::Injected,
        ),
        (offered, "B: A2 OK\r\n* OK [", Violation::Injected),
    ] {
        let script = [
            "S: * OK ready",
            "C: CAPABILITY",
            offered,
            "S: $ OK",
            "C: STARTTLS",
            rest,
        ];
        let script = script
            .iter()
            .filter(|line| !line.is_empty())
            .map(|line| (*line).to_owned())
            .collect();
        let error = starttls(play_lines(script).0).await.unwrap_err();
        assert!(
            matches!(error, WatchError::Protocol(found) if found == violation),
            "{rest}: {error:?}"
        );
    }
    let error = starttls(play("S: * PREAUTH welcome").0).await.unwrap_err();
    assert!(matches!(error, WatchError::Protocol(Violation::Preauth)), "{error:?}");
}
