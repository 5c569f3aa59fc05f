//! What it means that a mail is not taken: at MAIL FROM, RCPT TO, DATA or after its dot. Pure.
//!
//! First what a provider's own codes mean at its hosts, then the enhanced codes that everybody has (RFC 3463, RFC 5248), then the words,
//! and last the class of the code. A refusal that nobody knows and that begins with 5 is final (RFC 5321 section 4.2.1).

use super::{Diagnosis, MailHost, Remedy, limits, row, smtp::SmtpStage};

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

pub(super) const OUR_NAME: Diagnosis = row(
    "the server does not take the name that Mailjob gives at EHLO",
    "write hello = \"…\" in [service]: this machine's name as others know it",
);

pub(super) fn diagnosis(host: MailHost, stage: SmtpStage, code: u16, enhanced: Option<&str>, said: &str) -> Diagnosis {
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
