use std::{sync::Arc, time::Duration};

use super::*;
use crate::{
    net,
    secret::Secret,
    watch::error::{Negative, Words},
};

fn refusal(bad: bool, code: Option<&str>, text: &str) -> Refusal {
    Refusal {
        status: if bad { Negative::Bad } else { Negative::No },
        code: code.map(Words::new),
        text: Words::new(text),
    }
}

fn credential(text: &str) -> WatchError {
    WatchError::Credential {
        mechanism: "XOAUTH2",
        host: MailHost::Exchange,
        answer: refusal(false, None, text),
    }
}

#[test]
fn what_keeps_us_out_of_a_mailbox_server() {
    let timeout = net::ConnectError::Timeout {
        host: "h".into(),
        port: 993,
        after: Duration::from_secs(1),
    };
    let locked = Refusal {
        status: Negative::Err,
        ..refusal(false, Some("IN-USE"), "locked")
    };
    for (error, what, cure) in [
        (
            credential("AUTHENTICATE failed."),
            "NO AUTHENTICATE failed.",
            "New-ServicePrincipal",
        ),
        (
            credential("Request is throttled. Suggested Backoff Time: 90000 milliseconds"),
            "throttles",
            "leave it alone for 90 s",
        ),
        (
            WatchError::Bye(Words::new("Account exceeded command or bandwidth limits.")),
            "the server said BYE Account exceeded",
            "leave it alone",
        ),
        (WatchError::Bye(Words::new("Too late")), "Too late", "try again later"),
        (
            WatchError::NoMechanism("a password"),
            "no way to sign in",
            "by another way",
        ),
        (Violation::NoTls.into(), "no STARTTLS", "port and tls"),
        (Violation::Injected.into(), "somebody", "in between"),
        (Violation::Greeting.into(), "no greeting", "of another kind"),
        (
            WatchError::NotGreeted(Words::new("220 mail ESMTP")),
            "220 mail ESMTP",
            "of another kind",
        ),
        (
            WatchError::NotGreeted(Words::new("NO LOGOUT too many")),
            "NO LOGOUT too many",
            "leave it alone",
        ),
        // Whoever says this was signed in to, or nearly so.
        (Violation::Grammar.into(), "no IMAP", "whoever runs the server"),
        (
            WatchError::Unreadable(Words::new("250 OK")),
            "250 OK",
            "whoever runs the server",
        ),
        (
            WatchError::InUse(locked),
            "the server said -ERR [IN-USE] locked",
            "end it",
        ),
        (
            WatchError::Name("a\n".into()),
            "control characters",
            "without control characters",
        ),
        (WatchError::Net(timeout), "did not answer", "firewall"),
        (WatchError::Closed, "closed the connection", "try again later"),
        (
            auth::AuthError::NotSignedIn("ada".into()).into(),
            "not signed in yet",
            "mailjob auth login ada",
        ),
    ] {
        let trouble = of_watch(&error);
        assert!(
            trouble.what.contains(what) && trouble.cure.contains(cure),
            "{trouble:?}"
        );
    }
}

#[test]
fn why_there_is_no_credential() {
    let missing = SecretRef::Env("MAILJOB_NO_SUCH_VARIABLE".into()).read().unwrap_err();
    for (error, what, cure) in [
        (
            auth::AuthError::Secret(Arc::new(missing)),
            "MAILJOB_NO_SUCH_VARIABLE",
            "mend this",
        ),
        (
            auth::AuthError::Timeout(Duration::from_secs(30)),
            "30 s",
            "try again later",
        ),
        (auth::AuthError::Url, "token_url", "mend this"),
    ] {
        let trouble = of_auth(&error);
        assert!(
            trouble.what.contains(what) && trouble.cure.contains(cure),
            "{trouble:?}"
        );
    }
}

#[test]
fn mailboxes_that_can_t_be_opened() {
    for (code, cure) in [
        (Some("NONEXISTENT"), "check mailbox.name"),
        (None, "check mailbox.name"),
        (Some("NOPERM"), "may read"),
    ] {
        let trouble = of_mailbox("Orders", &refusal(false, code, "no"));
        assert!(
            trouble.what.contains("Orders") && trouble.cure.contains(cure),
            "{trouble:?}"
        );
    }
}

#[test]
fn a_cure_names_the_account() {
    let named = |cure: &str| {
        let trouble = Issue {
            what: String::new(),
            cure: cure.into(),
        };
        named(trouble, "ada").cure
    };
    assert_eq!(
        named("sign in anew (mailjob auth login)"),
        "sign in anew (mailjob auth login ada)"
    );
    assert_eq!(named("mailjob auth login ada"), "mailjob auth login ada");
    assert_eq!(named("wait"), "wait");
}

#[test]
fn tokens() {
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    assert!(token(Claims::read(&Secret::from("opaque")).as_ref(), now).contains("opaque"));
    let mut claims = Claims {
        audience: vec!["https://outlook.office.com".into()],
        roles: vec!["IMAP.AccessAsApp".into()],
        expires: DateTime::from_timestamp(1_800_003_600, 0),
        app_only: true,
        ..Claims::default()
    };
    assert_eq!(
        token(Some(&claims), now),
        "an application's access token, for https://outlook.office.com, roles IMAP.AccessAsApp, good for 60 min"
    );
    claims.expires = DateTime::from_timestamp(1, 0);
    assert!(token(Some(&claims), now).ends_with("expired"));
}
