//! The stand-ins say what the servers say whose place they take.

use mailjob_testbed::{
    CLIENT_SECRET, Options, Start, Tls, TokenAnswer, World,
    standin::{self, EntraError, ImapQuirk, Pop3, Pop3Quirk, SmtpQuirk},
};
use serde_json::json;
use tempfile::TempDir;

use super::USER;
use crate::raw::{Lines, xoauth2};

fn tls() -> (TempDir, Tls) {
    let dir = tempfile::tempdir().unwrap();
    let tls = Tls::new(dir.path()).unwrap();
    (dir, tls)
}

#[tokio::test(flavor = "multi_thread")]
async fn imap_fails_in_the_ways_of_microsoft_and_google() {
    let (_dir, tls) = tls();
    let not_connected = [
        "a OK AUTHENTICATE completed.",
        "b BAD User is authenticated but not connected.",
        "* BYE",
    ];
    let throttled = [
        "a NO Request is throttled. Suggested Backoff Time: 299961 milliseconds",
        "* BYE Connection closed. 14",
    ];
    let cases: [(ImapQuirk, &[&str]); 8] = [
        (ImapQuirk::Microsoft, &["a OK", "* NAMESPACE", "b OK"]),
        (ImapQuirk::MicrosoftNotConnected, &not_connected),
        (ImapQuirk::MicrosoftRefused, &["a NO AUTHENTICATE failed.", "b BAD"]),
        (ImapQuirk::MicrosoftThrottled, &throttled),
        (ImapQuirk::Google, &["* CAPABILITY", "a OK", "* NAMESPACE", "b OK"]),
        (
            ImapQuirk::GoogleRefused,
            &["+ eyJzdGF0dXMiOiI0MDEi", "a NO [AUTHENTICATIONFAILED]"],
        ),
        (
            ImapQuirk::GoogleTooMany,
            &["a NO [ALERT] Too many simultaneous connections. (Failure)", "b BAD"],
        ),
        (
            ImapQuirk::GoogleWebLogin,
            &["a NO [WEBALERT https://accounts.google.com/", "b BAD"],
        ),
    ];
    for (quirk, answers) in cases {
        let server = standin::imap(&tls, Start::Implicit, quirk).await.unwrap();
        let mut imap = Lines::tls(server.port, &tls.ca).await;
        imap.until(&["* OK"]).await;
        let mut capabilities = imap.ask("c CAPABILITY", &["* CAPABILITY"]).await;
        capabilities.push(' ');
        assert!(capabilities.contains(" AUTH=XOAUTH2 "), "{capabilities}");
        assert_eq!(
            capabilities.contains(" AUTH=OAUTHBEARER "),
            capabilities.contains(" X-GM-EXT-1 ")
        );
        imap.until(&["c OK"]).await;
        let response = xoauth2(USER, "canary");
        // Gmail's challenge takes the second line for its answer.
        let second = if quirk == ImapQuirk::GoogleRefused {
            ""
        } else {
            "b NAMESPACE"
        };
        imap.send(&format!("a AUTHENTICATE XOAUTH2 {response}")).await;
        for answer in answers {
            let line = imap.line().await;
            assert!(line.starts_with(answer), "{quirk:?}: {line:?} in place of {answer:?}");
            if line.starts_with("a ") || line.starts_with("+ ") {
                imap.send(second).await;
            }
        }
        assert!(server.said().iter().any(|line| line.ends_with(&response)));
        assert_eq!(server.sessions(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn imap_lets_in_by_starttls_and_shows_an_empty_inbox() {
    let (_dir, tls) = tls();
    let server = standin::imap(&tls, Start::StartTls, ImapQuirk::Microsoft)
        .await
        .unwrap();
    let mut imap = Lines::plain(server.port).await;
    assert!(
        imap.ask("a CAPABILITY", &["* CAPABILITY"])
            .await
            .contains("LOGINDISABLED")
    );
    imap.until(&["a OK"]).await;
    imap.ask("b STARTTLS", &["b OK"]).await;
    let mut imap = imap.start_tls(&tls.ca).await;
    imap.ask("c AUTHENTICATE XOAUTH2", &["+"]).await;
    imap.ask("bm9uc2Vuc2U=", &["c NO"]).await;
    imap.ask("d AUTHENTICATE XOAUTH2", &["+"]).await;
    imap.ask(&xoauth2(USER, "canary"), &["d OK"]).await;
    assert_eq!(imap.ask("e SELECT INBOX", &["*"]).await, "* 0 EXISTS");
    imap.until(&["e OK"]).await;
    imap.ask("f IDLE", &["+ "]).await;
    imap.ask("DONE", &["f OK"]).await;
    imap.ask("g LOGOUT", &["* BYE"]).await;
}

async fn pop3_at(port: u16, tls: &Tls, answer: &str) -> Lines<tokio_rustls::client::TlsStream<tokio::net::TcpStream>> {
    let mut pop3 = Lines::tls(port, &tls.ca).await;
    pop3.until(&["+OK"]).await;
    pop3.ask("AUTH XOAUTH2", &["+"]).await;
    let line = pop3.ask(&xoauth2(USER, "canary"), &["+OK", "-ERR"]).await;
    assert!(line.starts_with(answer), "{line}");
    pop3
}

#[tokio::test(flavor = "multi_thread")]
async fn pop3_keeps_a_maildrop() {
    let (_dir, tls) = tls();
    let mails: [&[u8]; 2] = [b"Subject: one\r\n\r\n.dot\r\nlast\r\n", b"Subject: two\r\n\r\n"];
    let server = Pop3::start(&tls, Start::Implicit, Pop3Quirk::Microsoft, &mails)
        .await
        .unwrap();
    let mut pop3 = pop3_at(server.server.port, &tls, "+OK User successfully authenticated.").await;
    drop(pop3_at(server.server.port, &tls, "-ERR [IN-USE]").await);

    assert_eq!(pop3.ask("STAT", &["+OK"]).await, "+OK 2 44");
    pop3.ask("UIDL", &["+OK"]).await;
    assert_eq!(
        [pop3.line().await, pop3.line().await, pop3.line().await],
        ["1 uid-1717171717-1", "2 uid-1717171717-2", "."]
    );
    pop3.ask("RETR 1", &["+OK"]).await;
    let mut lines = Vec::new();
    while lines.last().is_none_or(|line| line != ".") {
        lines.push(pop3.line().await);
    }
    assert_eq!(lines, ["Subject: one", "", "..dot", "last", "."]);
    pop3.ask("TOP 1 1", &["+OK"]).await;
    pop3.until(&["..dot"]).await;
    assert_eq!(pop3.line().await, ".");
    pop3.ask("DELE 1", &["+OK"]).await;
    pop3.ask("RETR 1", &["-ERR"]).await;
    assert_eq!(
        server.left(),
        ["uid-1717171717-1", "uid-1717171717-2"],
        "nothing is deleted before QUIT"
    );
    pop3.ask("QUIT", &["+OK"]).await;
    assert_eq!(server.left(), ["uid-1717171717-2"]);

    let mut pop3 = Lines::tls(server.server.port, &tls.ca).await;
    pop3.ask(
        &format!("AUTH XOAUTH2 {}", xoauth2(USER, "canary")),
        &["-ERR Protocol error."],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pop3_fails_in_every_way() {
    let (_dir, tls) = tls();
    let refusals = [
        (
            Pop3Quirk::MicrosoftRefused,
            "-ERR Authentication failure: unknown user name or bad password.",
        ),
        (Pop3Quirk::InUse, "-ERR [IN-USE]"),
        (Pop3Quirk::LoginDelay, "-ERR [LOGIN-DELAY]"),
    ];
    for (quirk, answer) in refusals {
        let server = Pop3::start(&tls, Start::Implicit, quirk, &[]).await.unwrap();
        pop3_at(server.server.port, &tls, answer).await;
    }
    let drops: [(_, _, &[&str]); 3] = [
        (Pop3Quirk::DropsBeforeQuit, "QUIT", &["uid-1717171717-1"]),
        (Pop3Quirk::DropsAfterQuit, "QUIT", &[]),
        (Pop3Quirk::DropsInRetr, "RETR 1", &["uid-1717171717-1"]),
    ];
    for (quirk, last, left) in drops {
        let server = Pop3::start(&tls, Start::Implicit, quirk, &[b"Subject: one\r\n\r\n"])
            .await
            .unwrap();
        let mut pop3 = pop3_at(server.server.port, &tls, "+OK").await;
        if last == "QUIT" {
            pop3.ask("DELE 1", &["+OK"]).await;
        }
        pop3.send(last).await;
        assert!(!pop3.rest().await.contains("\r\n.\r\n"), "{quirk:?}");
        assert_eq!(server.left(), left, "{quirk:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn submission_fails_in_the_ways_of_microsoft_and_google() {
    let (_dir, tls) = tls();
    let disabled = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the";
    let cases = [
        (SmtpQuirk::Microsoft, "235 2.7.0".to_owned(), "250", "535 5.7.3"),
        (
            SmtpQuirk::MicrosoftRefused,
            "535 5.7.3 Authentication unsuccessful [".to_owned(),
            "530 5.7.57",
            "535 5.7.3",
        ),
        (
            SmtpQuirk::MicrosoftTenantDisabled,
            format!("{disabled} Tenant. Visit https://aka.ms/smtp_auth_disabled"),
            "530 5.7.57",
            "535 5.7.139",
        ),
        (
            SmtpQuirk::MicrosoftMailboxDisabled,
            format!("{disabled} Mailbox."),
            "530 5.7.57",
            "535 5.7.139",
        ),
        (
            SmtpQuirk::MicrosoftNotAuthenticated,
            "235".to_owned(),
            "530 5.7.57 Client not authenticated to send mail",
            "535",
        ),
        (
            SmtpQuirk::MicrosoftNoBasic,
            "235".to_owned(),
            "250",
            "550 5.7.30 Basic authentication is not supported for Client Submission.",
        ),
        (SmtpQuirk::Google, "235".to_owned(), "250", "535-5.7.8"),
        (
            SmtpQuirk::GoogleRefused,
            "334 eyJzdGF0dXMiOiI0MDEi".to_owned(),
            "530 5.7.57",
            "535-5.7.8",
        ),
    ];
    for (quirk, to_token, to_mail, to_password) in cases {
        let server = standin::smtp(&tls, Start::StartTls, quirk).await.unwrap();
        let mut smtp = Lines::plain(server.port).await;
        smtp.until(&["220"]).await;
        smtp.ask("EHLO client", &["250-STARTTLS"]).await;
        smtp.until(&["250 "]).await;
        smtp.ask("STARTTLS", &["220"]).await;
        let mut smtp = smtp.start_tls(&tls.ca).await;
        smtp.ask("EHLO client", &["250-AUTH LOGIN XOAUTH2"]).await;
        smtp.until(&["250 "]).await;
        let code = &to_password[..3];
        let line = smtp.ask("AUTH LOGIN", &[code]).await;
        assert!(line.starts_with(to_password), "{quirk:?}: {line}");
        if line.starts_with("535-") {
            smtp.until(&["535 5.7.8"]).await;
        }
        let line = smtp
            .ask(&format!("AUTH XOAUTH2 {}", xoauth2(USER, "canary")), &[&to_token[..3]])
            .await;
        assert!(line.starts_with(&to_token), "{quirk:?}: {line}");
        if line.starts_with("334") {
            smtp.ask("", &["535-5.7.8"]).await;
            smtp.until(&["535 5.7.8"]).await;
        }
        let line = smtp.ask("MAIL FROM:<a@example.test>", &[&to_mail[..3]]).await;
        assert!(line.starts_with(to_mail), "{quirk:?}: {line}");
        if to_mail == "250" {
            smtp.ask("RCPT TO:<b@example.test>", &["250"]).await;
            smtp.ask("DATA", &["354"]).await;
            smtp.ask("Subject: x\r\n\r\n.", &["250 2.0.0"]).await;
            assert!(server.said().contains(&"Subject: x".to_owned()));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_entra_come_from_the_token_endpoint() {
    let world = World::start(Options::default()).await.unwrap();
    let answers = EntraError::ALL.map(EntraError::answer);
    world.oauth.script(&answers).await.unwrap();
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", "mailjob"),
        ("client_secret", CLIENT_SECRET),
        ("refresh_token", "any"),
    ];
    for error in EntraError::ALL {
        let answer = world.oauth.token(&form).await.unwrap();
        assert_eq!(answer["error"], error.error());
        assert_eq!(answer["error_codes"], json!([error.code()]));
        let text = answer["error_description"].as_str().unwrap();
        assert!(text.starts_with(&format!("AADSTS{}: ", error.code())), "{text}");
    }
    world.oauth.script(&[TokenAnswer::real()]).await.unwrap();
    let answer = world.oauth.token(&form).await.unwrap();
    assert_eq!(answer["error"], "invalid_grant", "the server's own");
}
