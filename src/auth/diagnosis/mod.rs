//! What a server's refusal means, and what to do about it. Pure.
//!
//! The one place where the words of a server decide something, and only what a person is told and how long it is left alone: codes
//! and numbers first, texts where a server gives nothing else. Each row names its server; all were read in 2026-11, and none could be
//! tried against the live services. Microsoft says of its texts and numbers that they may change at any time: a refusal that
//! no row knows is told by its code.

mod google;
mod microsoft;
mod smtp;

use std::time::Duration;

use crate::config::Protocol;

pub use smtp::smtp;

/// The longest that a server is left alone because it asks for it.
const LONGEST: Duration = Duration::from_secs(300);

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Diagnosis {
    /// What is wrong, as a clause.
    pub what: &'static str,
    /// What to do about it, as a clause.
    pub cure: &'static str,
    /// How long the server asks to be left alone.
    pub waits: Option<Duration>,
}

const fn row(what: &'static str, cure: &'static str) -> Diagnosis {
    Diagnosis {
        what,
        cure,
        waits: None,
    }
}

/// A token endpoint's refusal: its `error` (RFC 6749 section 5.2), and what it said with it.
#[must_use]
pub fn token(code: &str, said: &str) -> Diagnosis {
    microsoft::token(said)
        .or_else(|| google::token(code, said))
        .unwrap_or_else(|| by_code(code))
}

/// Microsoft's number in a text, e.g. `AADSTS700082`: for people to search.
#[must_use]
pub fn number(said: &str) -> Option<&str> {
    let start = said.find(microsoft::PREFIX)?;
    let digits = said.get(start + microsoft::PREFIX.len()..)?;
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    (length > 0).then(|| said.get(start..start + microsoft::PREFIX.len() + length))?
}

/// The answer of an IMAP or POP3 server that does not let us in, whole.
#[must_use]
pub fn sign_in(protocol: Protocol, said: &str) -> Diagnosis {
    let found = microsoft::sign_in(said).or_else(|| google::sign_in(said));
    let diagnosis = found.unwrap_or(match protocol {
        Protocol::Imap => row(
            "the server does not believe who we are",
            "check user name, permissions and whether IMAP is enabled for this mailbox",
        ),
        Protocol::Pop3 => row(
            "the server does not believe who we are",
            "check user name, permissions and whether POP3 is enabled for this mailbox",
        ),
        Protocol::Smtp => smtp::UNKNOWN,
    });
    Diagnosis {
        waits: backoff(said).or(diagnosis.waits),
        ..diagnosis
    }
}

/// How long a server asks to be left alone, at most five minutes.
///
/// Exchange Online throttles with `NO` or `BAD` and `Request is throttled. Suggested Backoff Time: 299961 milliseconds` and no
/// response code (imapsync issues 198 and 272; 2026-11).
#[must_use]
pub fn backoff(said: &str) -> Option<Duration> {
    let (_, tail) = said.split_once("Suggested Backoff Time: ")?;
    let digits: String = tail.chars().take_while(char::is_ascii_digit).collect();
    let asked = digits.parse().map_or(LONGEST, Duration::from_millis);
    Some(asked.min(LONGEST))
}

/// By the code alone, as every server has it.
fn by_code(code: &str) -> Diagnosis {
    match code {
        "invalid_grant" => row(
            "the sign-in has ended (refresh token expired, revoked or used up)",
            "sign in anew by mailjob auth login, or replace the configured refresh token",
        ),
        "invalid_client" => row(
            "client_id is wrong, or the client secret, certificate or federated token is wrong or has expired",
            "check client_id, and replace what proves the client",
        ),
        "unauthorized_client" => row(
            "this client may not use this grant",
            "allow it where the client is registered, or check client_id and tenant",
        ),
        "consent_required" => row(
            "nobody has consented to these scopes",
            "have an administrator consent, then sign in anew (mailjob auth login)",
        ),
        "interaction_required" | "login_required" => row(
            "a person must prove themselves (second factor, new password)",
            "sign in anew by mailjob auth login, or replace the configured refresh token",
        ),
        "invalid_scope" => row("the server doesn't know these scopes for this client", "check scopes"),
        "temporarily_unavailable" | "server_error" | "slow_down" => {
            row("the token server is in trouble", "it is tried again later")
        }
        _ => row(
            "the token server refuses the request",
            "check token_url, client_id, scopes and the grant",
        ),
    }
}

#[cfg(test)]
#[path = "diagnosis_tests.rs"]
mod tests;
