//! What the other side means when it says no, who must act, and how long it is left alone. Pure.
//!
//! Every refusal comes here: of a mailbox server ([`sign_in`]), a submission server ([`smtp()`]), a token endpoint
//! ([`token`]) and a webhook ([`webhook()`]).
//! A caller hands over what it knows (where it was in the exchange, the code, the enhanced code, whose server it is, the words) and
//! branches on [`Remedy`] alone; what people read is [`Diagnosis`]' `what` and `cure`.
//!
//! This is the one place where the words of a server decide something: codes and numbers first, texts where a server gives nothing
//! else. Each provider has a file, each row names its server; all were read in 2026-11, and none could be tried against the live
//! services. A row of a provider counts for that provider's hosts alone, or where the words themselves name it ([`MailHost`]): what
//! Exchange Online means by `LOGIN failed.`, others don't. Microsoft says of its texts and numbers that they may change at any time: a
//! refusal that no row knows is told by its code.

mod google;
mod host;
mod limits;
mod microsoft;
mod smtp;
mod submission;
mod webhook;

use std::time::Duration;

use crate::config::Protocol;

pub use host::MailHost;
pub use smtp::{SmtpStage, is_of_form, smtp};
pub use webhook::{OPERATORS, webhook};

/// The longest that a server is left alone because it asks for it.
const LONGEST: Duration = Duration::from_secs(300);

/// Who must act, so that a refusal ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Nobody: it passes, and is tried again.
    Wait,
    /// The operator: a setting, a permission, a credential. What waits for it goes on waiting, and he is told.
    Operator,
    /// The mail as it is: a smaller one, or one without its files, may be taken.
    Smaller,
    /// Whoever is written to, or nobody ever: it is final.
    Never,
}

/// What a refusal means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Diagnosis {
    /// Who must act.
    pub remedy: Remedy,
    /// What is wrong, as a clause.
    pub what: &'static str,
    /// What to do about it, as a clause.
    pub cure: &'static str,
    /// How long the server is to be left alone, where it asks for that or where that is known of it.
    pub waits: Option<Duration>,
}

/// The operator's.
const fn row(what: &'static str, cure: &'static str) -> Diagnosis {
    Diagnosis {
        remedy: Remedy::Operator,
        what,
        cure,
        waits: None,
    }
}

impl Diagnosis {
    /// One that passes, in `seconds`.
    const fn passing(what: &'static str, cure: &'static str, seconds: u64) -> Self {
        Self {
            remedy: Remedy::Wait,
            waits: Some(Duration::from_secs(seconds)),
            ..row(what, cure)
        }
    }

    /// The same words, for whom they mean.
    const fn by(self, remedy: Remedy) -> Self {
        Self { remedy, ..self }
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
pub fn sign_in(host: MailHost, protocol: Protocol, said: &str) -> Diagnosis {
    let found = match host.named_in(said) {
        MailHost::Exchange => microsoft::sign_in(said),
        MailHost::Gmail => google::sign_in(said),
        MailHost::Other => None,
    };
    let diagnosis = found.or_else(|| of_certificate(said)).unwrap_or(match protocol {
        Protocol::Imap => row(
            WRONG,
            "check both; many providers want an app password in place of a person's own, and IMAP enabled for the mailbox",
        ),
        Protocol::Pop3 => row(
            WRONG,
            "check both; many providers want an app password in place of a person's own, and POP3 enabled for the mailbox",
        ),
        Protocol::Smtp => smtp::UNKNOWN,
    });
    with_backoff(diagnosis, said)
}

/// What a server means that says no more than no.
const WRONG: &str = "the password (or token) or the user name is wrong";

/// Dovecot 2.3.19 with `auth_ssl_require_client_cert` lets TLS begin without a certificate and answers the sign-in by `NO [ALERT] Client
/// didn't present valid SSL certificate`, by IMAP and POP3; Postfix 3.7.11 with `smtpd_tls_req_ccert` answers EHLO by `421 4.7.1 … Error: No
/// client certificate presented` (2026-11).
fn of_certificate(said: &str) -> Option<Diagnosis> {
    let said = said.to_ascii_lowercase();
    (said.contains("client") && said.contains("certificate")).then_some(row(
        "the server wants a client's certificate, or does not take ours",
        "write tls = { cert = \"…\", key = \"…\" } in the account; where it stands there, check its end, and whether the server trusts its issuer",
    ))
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

/// A server that asks for patience means a refusal that passes.
fn with_backoff(diagnosis: Diagnosis, said: &str) -> Diagnosis {
    match backoff(said) {
        Some(asked) => Diagnosis {
            remedy: Remedy::Wait,
            waits: Some(asked),
            ..diagnosis
        },
        None => diagnosis,
    }
}

/// The same for an application, which no person can sign in to: what says so names what to replace.
#[must_use]
pub fn of_application(diagnosis: Diagnosis, replace: &'static str) -> Diagnosis {
    let cure = match diagnosis.cure {
        PROOF => "",
        cure => match cure.find("sign in anew").or(cure.find(LOGIN)) {
            Some(start) => before(cure, start),
            None => return diagnosis,
        },
    };
    let of_a_person = diagnosis.what.contains("refresh token");
    Diagnosis {
        what: if of_a_person {
            "what proves the application is not taken (any more)"
        } else {
            diagnosis.what
        },
        cure: if cure.is_empty() { replace } else { cure },
        ..diagnosis
    }
}

/// What is to be done before a person signs in.
fn before(cure: &'static str, start: usize) -> &'static str {
    let head = cure.get(..start).unwrap_or_default();
    let head = head.trim_end_matches([' ', ',', ';', '(']);
    let head = head.trim_end_matches(" or").trim_end_matches(" then");
    head.trim_end_matches([' ', ',', ';'])
}

/// What is done about a client that is not believed.
const PROOF: &str = "check client_id, and replace what proves the client";

/// What a person runs.
const LOGIN: &str = "mailjob auth login";

/// By the code alone, as every token endpoint has it.
fn by_code(code: &str) -> Diagnosis {
    match code {
        "invalid_grant" => row(
            "the sign-in has ended (refresh token expired, revoked or used up)",
            "sign in anew by mailjob auth login, or replace the configured refresh token",
        ),
        "invalid_client" => row(
            "client_id is wrong, or the client secret, certificate or federated token is wrong or has expired",
            PROOF,
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
            row("the token server is in trouble", "it is tried again later").by(Remedy::Wait)
        }
        _ => row(
            "the token server refuses the request",
            "check token_url, client_id, scopes and the grant",
        ),
    }
}

#[cfg(test)]
#[path = "refusal_tests.rs"]
mod tests;
