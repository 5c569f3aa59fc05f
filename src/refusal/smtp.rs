//! What a submission server's refusal means, wherever in the exchange it comes. Pure.

use std::fmt;

use super::{Diagnosis, MailHost, Remedy, google, microsoft, of_certificate, row, submission, with_backoff};

/// Where in a session something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpStage {
    /// The first words of the server.
    Greeting,
    /// EHLO, HELO.
    Hello,
    /// STARTTLS.
    StartTls,
    /// AUTH and what follows it.
    SignIn,
    /// MAIL FROM, and what ends a transaction.
    Mail,
    /// RCPT TO.
    Recipient,
    /// DATA.
    Data,
    /// While the mail's bytes are sent.
    Content,
    /// After the final dot.
    End,
}

impl fmt::Display for SmtpStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Greeting => "at the greeting",
            Self::Hello => "at EHLO",
            Self::StartTls => "at STARTTLS",
            Self::SignIn => "at AUTH",
            Self::Mail => "at MAIL FROM",
            Self::Recipient => "at RCPT TO",
            Self::Data => "at DATA",
            Self::Content => "while the mail was sent",
            Self::End => "after the mail was sent",
        })
    }
}

pub(super) const UNKNOWN: Diagnosis = row(
    super::WRONG,
    "check both; many providers want an app password in place of a person's own, and that the account may send by SMTP",
);

const OFF: &str = "it is tried again later";

/// An SMTP server's refusal: where it came, its code, its enhanced code (RFC 2034), and its text.
#[must_use]
pub fn smtp(host: MailHost, stage: SmtpStage, code: u16, enhanced: Option<&str>, said: &str) -> Diagnosis {
    let whose = host.named_in(said);
    let diagnosis = match stage {
        SmtpStage::Mail | SmtpStage::Recipient | SmtpStage::Data | SmtpStage::Content | SmtpStage::End
            if !is_of_sign_in(code, enhanced) =>
        {
            submission::diagnosis(whose, stage, code, enhanced, said)
        }
        _ => {
            let known = match whose {
                MailHost::Gmail => google::smtp(code, enhanced, said),
                MailHost::Exchange => microsoft::smtp(code, enhanced, said),
                MailHost::Other => None,
            };
            known
                .or_else(|| of_certificate(said))
                .unwrap_or_else(|| of_session(stage, code))
        }
    };
    with_backoff(diagnosis, said)
}

/// Whether an answer is about the sign-in, wherever it comes: RFC 4954 section 6, and Exchange Online's "Basic authentication is not
/// supported for Client Submission." (2025).
fn is_of_sign_in(code: u16, enhanced: Option<&str>) -> bool {
    matches!((code, enhanced), (530 | 534 | 535 | 538, _) | (550, Some("5.7.30")))
}

/// Whether a refused sign-in is about how it was written, not about who signs in: then the same credential may be good in another form.
///
/// RFC 4954 sections 4 and 6 have 500, 501, 503 and 504 for that; Postfix 3.7 answers a long initial response by `535 5.7.8 Error:
/// authentication failed: Invalid base64 data in initial response` (2026-11).
#[must_use]
pub fn is_of_form(code: u16, enhanced: Option<&str>, said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    let of_form = ["base64", "decod", "syntax", "too long", "malformed", "line length"];
    matches!(code, 500..=504 | 555)
        || enhanced.is_some_and(|enhanced| enhanced.starts_with("5.5."))
        || (code >= 500 && of_form.iter().any(|words| said.contains(words)))
}

/// A refusal before anybody has signed in is about this machine or its name, not about an account.
fn of_session(stage: SmtpStage, code: u16) -> Diagnosis {
    match (stage, code) {
        (SmtpStage::Hello, 500..=599) => submission::OUR_NAME,
        // smtp-relay.gmail.com answers `421 4.7.0 Try again later` to a name that it does not take (2026-11).
        (SmtpStage::Hello, _) => row(
            "the server is busy, or does not take the name that Mailjob gives at EHLO",
            "it is tried again later; if it stays, write hello = \"…\" in [service]: this machine's name as others know it",
        )
        .by(Remedy::Wait),
        (SmtpStage::Greeting, 500..=599) => row(
            "the server lets nobody in from this machine's address",
            "check smtp host and port, and whether the provider lets this machine's address in (a block list, an allow list)",
        ),
        (SmtpStage::StartTls, 500..=599) => row("the server refuses to begin TLS", "check smtp port and tls"),
        _ => by_code(code),
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
        421 | 450..=454 => row("the server is busy or in trouble", OFF).by(Remedy::Wait),
        400..500 => UNKNOWN.by(Remedy::Wait),
        _ => UNKNOWN,
    }
}
