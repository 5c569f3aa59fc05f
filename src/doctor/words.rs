//! What went wrong, in plain words with the cure. Pure.

use chrono::{DateTime, Utc};

use super::{Issue, way::of_net};
use crate::{
    auth::{self, claims::Claims},
    config::Protocol,
    refusal::{self, Diagnosis, MailHost},
    reply::probe::ProbeFailure,
    secret::SecretRef,
    watch::error::{Refusal, Violation, WatchError},
};

/// Why there is no credential.
pub(super) fn of_auth(error: &auth::AuthError) -> Issue {
    match error {
        auth::AuthError::Refused(refusal) => {
            let Diagnosis { what, cure, waits, .. } = refusal.diagnosis();
            diagnosed(what, &format!("the token server said {}", refusal.words()), cure, waits)
        }
        auth::AuthError::NotSignedIn(sign_in) => Issue {
            what: "not signed in yet".to_owned(),
            cure: format!("mailjob auth login {sign_in}"),
        },
        auth::AuthError::Store(error) if matches!(**error, auth::StoreError::Sealed(_)) => Issue {
            what: error.to_string(),
            cure: "put the key back with which it was sealed, or mailjob auth login".to_owned(),
        },
        other => Issue {
            what: other.to_string(),
            cure: match other.verdict() {
                auth::AuthVerdict::SlowDown => "mend this, and run mailjob doctor again".to_owned(),
                auth::AuthVerdict::Reconnect => {
                    "try again later; if it stays, check token_url and whether a firewall lets this machine out"
                        .to_owned()
                }
            },
        },
    }
}

/// Why a mailbox server does not let us in.
pub(super) fn of_watch(error: &WatchError) -> Issue {
    let cure = match error {
        WatchError::Net(error) => return of_net(error),
        WatchError::SignIn(error) => return of_auth(error),
        WatchError::Credential { answer, host, .. } => return of_refusal(answer, *host),
        WatchError::Bye(words) => {
            let Diagnosis { what, cure, waits, .. } =
                refusal::sign_in(MailHost::Other, Protocol::Imap, &words.to_string());
            if waits.is_some() {
                return diagnosed(what, &format!("the server said BYE {words}"), cure, waits);
            }
            "try again later; the server's words say why it ends the session"
        }
        WatchError::NoMechanism(_) => "sign in by another way (OAuth or a password), or check host and port",
        WatchError::Protocol(Violation::NoTls) => "check port and tls",
        WatchError::Protocol(Violation::Injected | Violation::Preauth) => {
            "find out who sits in between: a proxy or virus scanner"
        }
        WatchError::Early { .. } => {
            "tell whoever runs the server: it does not send mails as POP3 wants it; or read this mailbox by IMAP"
        }
        WatchError::NotGreeted(words) if words.is_refusal() => {
            "the server's own words say why; if it locks out who connects too often, leave it alone for a while"
        }
        WatchError::NotGreeted(_)
        | WatchError::Odd { .. }
        | WatchError::Protocol(Violation::Greeting | Violation::Unreadable | Violation::Line) => {
            "check host and port: this may be a server of another kind"
        }
        WatchError::Protocol(_) | WatchError::Unreadable(_) | WatchError::Flood { .. } => {
            "tell whoever runs the server: what it says is not as the protocol has it"
        }
        WatchError::Refused { .. } => "the server's own words say why; if it stays, ask whoever runs the server",
        WatchError::InUse(answer) => {
            return Issue {
                what: format!("another session has the maildrop: the server said {answer}"),
                cure: "end it (a mail program, or a Mailjob that is just looking), and run mailjob doctor again"
                    .to_owned(),
            };
        }
        WatchError::TooSoon { .. } => "run mailjob doctor again after that time",
        WatchError::Name(_) => "write the mailbox's name without control characters",
        _ => "try again later; if it stays, check host and port",
    };
    Issue {
        what: error.to_string(),
        cure: cure.to_owned(),
    }
}

fn of_refusal(answer: &Refusal, host: MailHost) -> Issue {
    let Diagnosis { what, cure, waits, .. } = answer.diagnosis(host);
    diagnosed(what, &format!("the server said {answer}"), cure, waits)
}

/// Why a mailbox can't be opened.
pub(super) fn of_mailbox(mailbox: &str, answer: &Refusal) -> Issue {
    let missing = answer.is("NONEXISTENT") || answer.is("TRYCREATE") || answer.code.is_none();
    let cure = if missing {
        "check mailbox.name: its case, and the server's own delimiter (INBOX.Orders or INBOX/Orders); or make the mailbox"
    } else {
        "check that this user may read the mailbox"
    };
    Issue {
        what: format!("the mailbox {mailbox} can't be opened: the server said {answer}"),
        cure: cure.to_owned(),
    }
}

/// Why a submission server does not let us in.
pub(super) fn of_reply(failure: &ProbeFailure) -> Issue {
    Issue {
        what: failure.what.clone(),
        cure: failure.cure.to_owned(),
    }
}

fn diagnosed(what: &str, said: &str, cure: &str, waits: Option<std::time::Duration>) -> Issue {
    let patience = waits.map(|waits| format!("; leave it alone for {} s", waits.as_secs()));
    Issue {
        what: format!("{what}: {said}"),
        cure: format!("{cure}{}", patience.unwrap_or_default()),
    }
}

/// Puts the account's name where a cure names the command that signs it in.
pub(super) fn named(mut trouble: Issue, sign_in: &str) -> Issue {
    const COMMAND: &str = "mailjob auth login";
    let whole = format!("{COMMAND} {sign_in}");
    if !trouble.cure.contains(&whole) {
        trouble.cure = trouble.cure.replace(COMMAND, &whole);
    }
    trouble
}

/// Where a secret is kept.
pub(super) fn place(secret: &SecretRef) -> String {
    match secret {
        SecretRef::File(path) => path.display().to_string(),
        SecretRef::Env(name) => format!("variable {name}"),
    }
}

/// What an access token says of itself.
pub(super) fn token(claims: Option<&Claims>, now: DateTime<Utc>) -> String {
    let Some(claims) = claims else {
        return "an access token (opaque: its scopes can't be shown)".to_owned();
    };
    let mut told = vec![if claims.app_only {
        "an application's access token".to_owned()
    } else {
        "an access token".to_owned()
    }];
    told.extend(claims.user.as_ref().map(|user| format!("of {user}")));
    let list = |name: &str, list: &[String]| (!list.is_empty()).then(|| format!("{name} {}", list.join(" ")));
    told.extend(list("for", &claims.audience));
    told.extend(list("scopes", &claims.scopes));
    told.extend(list("roles", &claims.roles));
    told.extend(claims.tenant.as_ref().map(|tenant| format!("tenant {tenant}")));
    told.extend(claims.application.as_ref().map(|id| format!("client {id}")));
    told.extend(claims.expires.map(|expires| match (expires - now).num_minutes() {
        left if left >= 0 => format!("good for {left} min"),
        _ => "expired".to_owned(),
    }));
    told.join(", ")
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
