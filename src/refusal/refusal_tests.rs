use super::*;

#[path = "token_tests.rs"]
mod tokens;

#[path = "smtp_tests.rs"]
mod submissions;

use submissions::{SMTP, at};
use tokens::TOKENS;

/// The protocol, what the server said, and words of the diagnosis.
const SIGN_INS: &[(Protocol, &str, &str)] = &[
    (
        Protocol::Imap,
        "BAD User is authenticated but not connected.",
        "FullAccess",
    ),
    (Protocol::Imap, "NO AUTHENTICATE failed.", "New-ServicePrincipal"),
    (Protocol::Imap, "NO LOGIN failed.", "no passwords"),
    (
        Protocol::Imap,
        "NO Request is throttled. Suggested Backoff Time: 1000 milliseconds",
        "throttles",
    ),
    (
        Protocol::Pop3,
        "-ERR Authentication failure: unknown user name or bad password.",
        "POP.AccessAsUser.All",
    ),
    (
        Protocol::Imap,
        r#"NO [AUTHENTICATIONFAILED] Invalid credentials (Failure) {"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}"#,
        "access token",
    ),
    (
        Protocol::Imap,
        "NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)",
        "app password",
    ),
    (
        Protocol::Imap,
        "NO [ALERT] Application-specific password required: https://support.google.com/accounts/answer/185833 (Failure)",
        "apppasswords",
    ),
    (Protocol::Imap, "NO [WEBALERT] Web login required.", "browser"),
    (
        Protocol::Imap,
        "NO [ALERT] Please log in via your web browser: https://support.google.com/…",
        "browser",
    ),
    (
        Protocol::Imap,
        "NO [ALERT] Too many simultaneous connections. (Failure)",
        "15",
    ),
    (
        Protocol::Imap,
        "NO [ALERT] Your account is not enabled for IMAP use.",
        "switched off",
    ),
    (
        Protocol::Pop3,
        "-ERR [SYS/PERM] Your account is not enabled for POP access.",
        "switched off",
    ),
    (
        Protocol::Imap,
        "NO [ALERT] Client didn't present valid SSL certificate",
        "tls = { cert",
    ),
    (
        Protocol::Pop3,
        "-ERR Client didn't present valid SSL certificate",
        "tls = { cert",
    ),
    (Protocol::Imap, "Account exceeded command or bandwidth limits.", "a day"),
    (
        Protocol::Imap,
        "NO [AUTHENTICATIONFAILED] Authentication failed.",
        "IMAP enabled for the mailbox",
    ),
    (
        Protocol::Imap,
        "NO [AUTHENTICATIONFAILED] Authentication failed.",
        "password",
    ),
    (
        Protocol::Pop3,
        "-ERR [AUTH] Authentication failed.",
        "POP3 enabled for the mailbox",
    ),
    (Protocol::Pop3, "-ERR [AUTH] Authentication failed.", "password"),
];

#[test]
fn refusals_of_a_sign_in() {
    for (protocol, said, words) in SIGN_INS {
        // At a host of nobody's, only what names a provider is that provider's.
        let host = match said.contains("status") || said.contains("[") || said.contains("Account exceeded") {
            true => MailHost::Gmail,
            false => MailHost::Exchange,
        };
        let Diagnosis { what, cure, .. } = sign_in(host, *protocol, said);
        assert!(format!("{what}: {cure}").contains(words), "{said}: {what}: {cure}");
    }
}

#[test]
fn whose_host_it_is_decides_whose_words_they_are() {
    // GreenMail 2.1.8.
    for protocol in [Protocol::Imap, Protocol::Pop3] {
        for said in [
            "NO LOGIN failed. Invalid login/password",
            "NO AUTHENTICATE failed.",
            "-ERR Authentication failure: unknown user name or bad password.",
        ] {
            let found = sign_in(MailHost::Other, protocol, said);
            assert!(!found.what.contains("Exchange"), "{said}: {found:?}");
            assert!(found.cure.contains("password"), "{said}: {found:?}");
            assert!(
                sign_in(MailHost::Exchange, protocol, said).what.contains("Exchange"),
                "{said}"
            );
        }
    }
}

#[test]
fn how_long_a_server_wants_to_be_left_alone() {
    let throttled = |text: &str| {
        sign_in(
            MailHost::Exchange,
            Protocol::Imap,
            &format!("NO Request is throttled. {text}"),
        )
        .waits
    };
    for (text, seconds) in [
        ("Suggested Backoff Time: 90000 milliseconds", Some(90)),
        (
            "Suggested Backoff Time: 99999999999999999999999 milliseconds",
            Some(300),
        ),
        ("Suggested Backoff Time: soon", Some(300)),
        ("", None),
    ] {
        assert_eq!(throttled(text), seconds.map(Duration::from_secs), "{text}");
    }
    let limit = sign_in(
        MailHost::Other,
        Protocol::Imap,
        "Account exceeded command or bandwidth limits",
    );
    assert_eq!(limit.waits, Some(LONGEST));
    assert!(
        at(MailHost::Exchange, SmtpStage::SignIn, 432, "4.3.2 …")
            .waits
            .is_some()
    );
}

#[test]
fn numbers_are_found_in_any_text() {
    for (said, expected) in [
        ("bad_token: AADSTS50173: …", Some("AADSTS50173")),
        ("é AADSTS65001é", Some("AADSTS65001")),
        ("AADSTS", None),
        ("AADSTSx1", None),
        ("AADSTS99999999999999999999", Some("AADSTS99999999999999999999")),
        ("", None),
    ] {
        assert_eq!(number(said), expected, "{said}");
        assert!(!token("invalid_grant", said).what.is_empty());
    }
}

#[test]
fn every_row_is_a_clause() {
    let tokens = TOKENS.iter().map(|(code, said, _)| token(code, said));
    let sign_ins = [MailHost::Exchange, MailHost::Gmail, MailHost::Other];
    let sign_ins = sign_ins.into_iter().flat_map(|host| {
        SIGN_INS
            .iter()
            .map(move |(protocol, said, _)| sign_in(host, *protocol, said))
    });
    let smtp = SMTP
        .iter()
        .map(|(host, code, said, _)| at(*host, SmtpStage::SignIn, *code, said));
    for Diagnosis { what, cure, .. } in tokens.chain(sign_ins).chain(smtp) {
        for text in [what, cure] {
            assert!(!text.is_empty() && !text.ends_with('.') && text.len() < 600, "{text}");
        }
    }
}
