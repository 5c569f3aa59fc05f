//! What an SMTP server's refusal means. Pure.

use std::time::Duration;

use super::{Diagnosis, backoff, google, row};

pub(super) const UNKNOWN: Diagnosis = row(
    "the server does not believe who we are",
    "check user and secret, and that this account may send by SMTP",
);

/// An SMTP server's refusal: its code, its enhanced code (RFC 2034), and its text.
///
/// Rows without another name are Exchange Online's: learn.microsoft.com, "Enable or disable authenticated client SMTP submission" and
/// "Authenticate an IMAP, POP or SMTP connection using OAuth", and its texts in a dozen public reports (2026-11).
#[must_use]
pub fn smtp(code: u16, enhanced: Option<&str>, said: &str) -> Diagnosis {
    let known = google::smtp(code, enhanced, said).or_else(|| microsoft(code, enhanced, said));
    let diagnosis = known.unwrap_or_else(|| by_code(code));
    Diagnosis {
        waits: backoff(said).or(diagnosis.waits),
        ..diagnosis
    }
}

fn microsoft(code: u16, enhanced: Option<&str>, said: &str) -> Option<Diagnosis> {
    Some(match (code, enhanced) {
        (535, Some("5.7.139")) => switched_off(said),
        (535, Some("5.7.3")) => row(
            "Exchange Online refuses the sign-in, and does not say why",
            "check that the token's scope is SMTP.Send (for an app SMTP.SendAsApp), that user is the mailbox's address, and that SMTP AUTH is on for the mailbox (Set-CASMailbox -SmtpClientAuthenticationDisabled $false)",
        ),
        (530, Some("5.7.57")) => row(
            "the server takes no mail without a sign-in",
            "check that smtp port and host are the submission service's, and that SMTP AUTH is on for the mailbox",
        ),
        (550, Some("5.7.30")) => row("the server takes no passwords any more", "use OAuth for this account"),
        (432, Some("4.3.2")) => Diagnosis {
            what: "too many sessions of this mailbox are open at once (Exchange Online allows three)",
            cure: "it is tried again later; look for other programs that send with this account",
            waits: Some(Duration::from_secs(60)),
        },
        (554, Some("5.2.252")) => row(
            "the account may not send as the From address",
            "set from to an address of this mailbox, or give the account the right: Add-RecipientPermission … -AccessRights SendAs",
        ),
        (454, Some("4.7.0")) => row(
            "the server could not check the sign-in just now",
            "it is tried again later; if it stays, see whether the token is the mailbox's own",
        ),
        _ => return None,
    })
}

/// 5.7.139 has four meanings, told apart by text alone.
fn switched_off(said: &str) -> Diagnosis {
    let has = |words: &str| said.contains(words);
    if has("disabled for the Tenant") {
        row(
            "SMTP AUTH is off for the whole tenant",
            "an administrator allows it for this mailbox: Set-CASMailbox -Identity … -SmtpClientAuthenticationDisabled $false (which outranks the tenant's setting), or for all: Set-TransportConfig -SmtpClientAuthenticationDisabled $false",
        )
    } else if has("disabled for the Mailbox") {
        row(
            "SMTP AUTH is off for this mailbox",
            "an administrator allows it: Set-CASMailbox -Identity … -SmtpClientAuthenticationDisabled $false",
        )
    } else if has("security defaults") {
        row(
            "security defaults of the tenant forbid this sign-in",
            "use OAuth for this account; with security defaults on, no password is taken by SMTP",
        )
    } else if has("basic authentication is disabled") {
        row("the server takes no passwords any more", "use OAuth for this account")
    } else if has("did not meet the criteria") {
        row(
            "a policy of the tenant (security defaults or Conditional Access) forbids this sign-in",
            "use OAuth for this account, or have an administrator look at the sign-in logs in the Entra admin center",
        )
    } else if has("user credentials were incorrect") {
        row(
            "user name, password or token are wrong",
            "check user and secret; for a token see that it is the mailbox's own",
        )
    } else {
        row(
            "SMTP AUTH is off for this tenant or mailbox, or a policy forbids the sign-in",
            "an administrator allows it by Set-CASMailbox -SmtpClientAuthenticationDisabled $false; security defaults or policies may forbid it too",
        )
    }
}

/// RFC 4954 section 6 and RFC 5321 section 4.2.
fn by_code(code: u16) -> Diagnosis {
    match code {
        530 => row(
            "the server takes no mail without a sign-in",
            "check that smtp port and host are the submission service's",
        ),
        534 => row(
            "the server wants a stronger way to sign in",
            "use OAuth or an application password",
        ),
        538 => row("the server wants TLS first", "check smtp port and tls"),
        421 | 450..=454 => row("the server is busy or in trouble", "it is tried again later"),
        _ => UNKNOWN,
    }
}
