//! What a submission server's refusal means, wherever in the exchange it comes. Pure.

use std::fmt;

use super::{Diagnosis, MailHost, Remedy, google, limits, microsoft, of_certificate, row, with_backoff};

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

const HOUR: u64 = 60 * 60;

const LATER: &str = "it is tried again by itself";

const FINAL: Diagnosis = row("the server does not take the mail", "read the server's words").by(Remedy::Never);
const BUSY: Diagnosis = row("the server is busy or in trouble", LATER).by(Remedy::Wait);
const LIMIT: Diagnosis = Diagnosis::passing(
    "the account has reached a limit of its provider",
    "it is tried again by itself; if it happens often, set pace for the account, or send by another provider",
    HOUR,
);
const DAILY: Diagnosis = Diagnosis::passing(
    "the account has sent as much as its provider allows a day",
    "it is tried again for up to a day by itself; set pace for the account, or send through an SMTP relay",
    2 * HOUR,
);
const FULL: Diagnosis = Diagnosis::passing(
    "the mailbox of who is answered is full",
    "it is tried again by itself until there is room",
    2 * HOUR,
);
const TOO_LARGE: Diagnosis = row(
    "the mail is too large for the server",
    "let the action answer with smaller files",
)
.by(Remedy::Smaller);
const BLOCKED: Diagnosis = row(
    "the server takes no mail with such a file",
    "let the action answer with files of another kind, or with a link",
)
.by(Remedy::Smaller);
const SENDER: Diagnosis = row(
    "the account may not send as this sender",
    "set from to an address of this account, or give the account the right to send as it",
);

const OUR_NAME: Diagnosis = row(
    "the server does not take the name that Mailjob gives at EHLO",
    "write hello = \"…\" in [service]: this machine's name as others know it",
);

/// An SMTP server's refusal: where it came, its code, its enhanced code (RFC 2034), and its text.
#[must_use]
pub fn smtp(host: MailHost, stage: SmtpStage, code: u16, enhanced: Option<&str>, said: &str) -> Diagnosis {
    let whose = host.named_in(said);
    let diagnosis = match stage {
        SmtpStage::Mail | SmtpStage::Recipient | SmtpStage::Data | SmtpStage::Content | SmtpStage::End
            if !is_of_sign_in(code, enhanced) =>
        {
            of_mail(whose, stage, code, enhanced, said)
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
        (SmtpStage::Hello, 500..=599) => OUR_NAME,
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

/// What it means that a mail is not taken: at MAIL FROM, RCPT TO, DATA or after its dot.
///
/// First what a provider's own codes mean at its hosts, then the enhanced codes that everybody has (RFC 3463, RFC 5248), then the words,
/// and last the class of the code. A refusal that nobody knows and that begins with 5 is final (RFC 5321 section 4.2.1).
fn of_mail(host: MailHost, stage: SmtpStage, code: u16, enhanced: Option<&str>, said: &str) -> Diagnosis {
    let own = match host {
        MailHost::Exchange => exchange(stage, code, enhanced, said),
        MailHost::Gmail => gmail(code, enhanced),
        MailHost::Other => None,
    };
    own.unwrap_or_else(|| anybody(stage, code, enhanced, said))
}

/// Exchange Online: learn.microsoft.com, "Email non-delivery reports in Exchange Online" and "Fix NDR error …", and texts in
/// public reports (2026-11).
fn exchange(stage: SmtpStage, code: u16, enhanced: Option<&str>, said: &str) -> Option<Diagnosis> {
    Some(match enhanced? {
        // Its throttle, as Delta Chat met it at Outlook.com in 2023. At RCPT TO the same code is a verdict on the recipient.
        "5.5.0" if code == 550 && stage != SmtpStage::Recipient => LIMIT,
        "5.2.0" if said.contains("QuotaExceeded") => DAILY,
        // Sender's messages and recipients a day; the tenant's, to others.
        "5.1.90" | "5.1.92" | "5.7.232" | "5.7.233" | "5.7.236" => DAILY,
        // What a mailbox may be sent in an hour.
        "5.2.121" | "5.2.122" => LIMIT,
        "5.2.252" => row(
            "the account may not send as the From address",
            "set from to an address of this mailbox, or give the account the right: Add-RecipientPermission … -AccessRights SendAs",
        ),
        "5.7.60" => SENDER,
        "5.1.8" | "5.7.501" | "5.7.502" | "5.7.503" | "5.7.705" | "5.7.708" | "5.7.750" => row(
            "Exchange Online lets this mailbox or tenant send nothing for now",
            "have an administrator look at Restricted entities in the Microsoft Defender portal",
        ),
        "5.7.64" => row(
            "Exchange Online does not know this machine as one of the tenant's",
            "check smtp host, or the connector in the Exchange admin center",
        ),
        _ => return None,
    })
}

/// Gmail: support.google.com, "Gmail SMTP errors and codes" (2026-11).
fn gmail(code: u16, enhanced: Option<&str>) -> Option<Diagnosis> {
    Some(match (code, enhanced?) {
        (550, "5.4.5") => DAILY,
        (552, "5.7.0") => BLOCKED,
        _ => return None,
    })
}

fn anybody(stage: SmtpStage, code: u16, enhanced: Option<&str>, said: &str) -> Diagnosis {
    if (400..500).contains(&code) {
        // Of a mailbox without room nobody need ask each minute.
        return match enhanced {
            Some("4.2.2") => FULL,
            _ => BUSY,
        };
    }
    by_enhanced(stage, code, enhanced)
        .or_else(|| by_words(stage, code, enhanced, &spoken(said)))
        .unwrap_or(FINAL)
}

/// The words in small letters, without addresses and links: those may be called anything.
fn spoken(said: &str) -> String {
    let words = said.split_whitespace();
    let words: Vec<_> = words
        .filter(|word| !word.contains('@') && !word.contains("://"))
        .collect();
    words.join(" ").to_ascii_lowercase()
}

fn by_enhanced(stage: SmtpStage, code: u16, enhanced: Option<&str>) -> Option<Diagnosis> {
    Some(match enhanced? {
        "5.2.2" => FULL,
        "5.2.3" | "5.3.4" => TOO_LARGE,
        // RFC 3463: "the mail system is full", "not accepting network messages", "network congestion" pass; written with a 5 by servers
        // that know no 4.
        "5.3.1" | "5.4.5" => LIMIT,
        // Bad sender's address: its syntax, its domain.
        "5.1.7" | "5.1.8" => SENDER,
        // Media not supported, conversion required but not possible.
        "5.6.1" | "5.6.2" | "5.6.3" if stage != SmtpStage::Recipient => BLOCKED,
        // A null MX, a bad destination: of who is answered.
        "5.1.0" | "5.1.1" | "5.1.2" | "5.1.3" | "5.1.6" | "5.1.10" => FINAL,
        // The enhanced code says that it passes, the code that it doesn't.
        later if later.starts_with("4.") && code >= 500 => BUSY,
        _ => return None,
    })
}

fn by_words(stage: SmtpStage, code: u16, enhanced: Option<&str>, said: &str) -> Option<Diagnosis> {
    let at_recipient = stage == SmtpStage::Recipient;
    // RFC 5321 section 4.2.2: 552 is "exceeded storage allocation", of the recipient at RCPT TO.
    let bare = code == 552 && enhanced.is_none();
    Some(match () {
        () if limits::speaks_of_our_name(said) => OUR_NAME,
        () if limits::speaks_of_size(said) => TOO_LARGE,
        () if !at_recipient && limits::speaks_of_files(said) => BLOCKED,
        () if at_recipient && limits::speaks_of_a_full_mailbox(said) => FULL,
        () if limits::speaks_of_a_limit(said) => {
            if said.contains("daily") || said.contains("per day") {
                DAILY
            } else {
                LIMIT
            }
        }
        () if limits::speaks_of_a_full_mailbox(said) => FULL,
        () if limits::speaks_of_the_sender(said) => SENDER,
        () if bare && at_recipient => FULL,
        () if bare => TOO_LARGE,
        () => return None,
    })
}
