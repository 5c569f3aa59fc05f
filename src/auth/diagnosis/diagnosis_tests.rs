use super::*;

#[path = "token_tests.rs"]
mod tokens;

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
    (Protocol::Imap, "Account exceeded command or bandwidth limits.", "a day"),
    (
        Protocol::Imap,
        "NO [AUTHENTICATIONFAILED] Authentication failed.",
        "whether IMAP is enabled",
    ),
    (
        Protocol::Pop3,
        "-ERR [AUTH] Authentication failed.",
        "whether POP3 is enabled",
    ),
];

#[test]
fn refusals_of_a_sign_in() {
    for (protocol, said, words) in SIGN_INS {
        let Diagnosis { what, cure, .. } = sign_in(*protocol, said);
        assert!(format!("{what}: {cure}").contains(words), "{said}: {what}: {cure}");
    }
}

/// The answer, and words of the diagnosis.
const SMTP: &[(u16, &str, &str)] = &[
    (
        535,
        "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled",
        "Set-TransportConfig",
    ),
    (
        535,
        "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox. Visit https://aka.ms/smtp_auth_disabled",
        "off for this mailbox",
    ),
    (
        535,
        "5.7.139 Authentication unsuccessful, user is locked by your organization's security defaults policy. Contact your administrator.",
        "security defaults of the tenant",
    ),
    (
        535,
        "5.7.139 Authentication unsuccessful, basic authentication is disabled.",
        "use OAuth",
    ),
    (
        535,
        "5.7.139 Authentication unsuccessful, the request did not meet the criteria to be authenticated successfully.",
        "sign-in logs",
    ),
    (
        535,
        "5.7.139 Authentication unsuccessful, the user credentials were incorrect.",
        "token are wrong",
    ),
    (535, "5.7.139 Authentication unsuccessful", "Set-CASMailbox"),
    (535, "5.7.3 Authentication unsuccessful", "SMTP.SendAsApp"),
    (
        530,
        "5.7.57 Client not authenticated to send mail.",
        "submission service",
    ),
    (
        550,
        "5.7.30 Basic authentication is not supported for Client Submission.",
        "use OAuth",
    ),
    (454, "4.7.0 Temporary authentication failure", "just now"),
    (
        432,
        "4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded",
        "three",
    ),
    (
        554,
        "5.2.252 SendAsDenied; a@example.com not allowed to send as b@example.com",
        "SendAs",
    ),
    (
        535,
        "5.7.8 Username and Password not accepted. … gsmtp",
        "app passwords only",
    ),
    (
        534,
        "5.7.9 Application-specific password required. https://support.google.com/…",
        "apppasswords",
    ),
    (
        534,
        "5.7.14 Please log in via your web browser https://support.google.com/…",
        "browser",
    ),
    (
        454,
        "4.7.0 Too many login attempts, please try again later. gsmtp",
        "too many sign-ins",
    ),
    (550, "5.4.5 Daily user sending limit exceeded. gsmtp", "a day"),
    (535, "5.7.8 Error: authentication failed", "check user and secret"),
    (530, "5.7.0 Authentication required", "submission service"),
    (534, "5.7.9 Stronger", "stronger"),
    (538, "5.7.11 Encryption", "TLS first"),
    (421, "4.3.2 busy", "later"),
    (500, "5.5.1 what?", "check user and secret"),
];

#[test]
fn refusals_of_a_submission() {
    for (code, said, words) in SMTP {
        let enhanced = said.split(' ').next();
        let Diagnosis { what, cure, .. } = smtp(*code, enhanced, said);
        assert!(
            format!("{what}: {cure}").contains(words),
            "{code} {said}: {what}: {cure}"
        );
    }
}

#[test]
fn how_long_a_server_wants_to_be_left_alone() {
    let throttled = |text: &str| sign_in(Protocol::Imap, &format!("NO Request is throttled. {text}")).waits;
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
    let limit = sign_in(Protocol::Imap, "Account exceeded command or bandwidth limits");
    assert_eq!(limit.waits, Some(LONGEST));
    assert!(smtp(432, Some("4.3.2"), "4.3.2 …").waits.is_some());
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
    let sign_ins = SIGN_INS.iter().map(|(protocol, said, _)| sign_in(*protocol, said));
    let smtp = SMTP
        .iter()
        .map(|(code, said, _)| smtp(*code, said.split(' ').next(), said));
    for Diagnosis { what, cure, .. } in tokens.chain(sign_ins).chain(smtp) {
        for text in [what, cure] {
            assert!(!text.is_empty() && !text.ends_with('.') && text.len() < 600, "{text}");
        }
    }
}
