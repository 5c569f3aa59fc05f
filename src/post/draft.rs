//! What a mail is to be, and what keeps it from being one. Pure.

use super::NamedAddress;
use crate::message::clean::clean;

/// Bytes of texts and files of one mail at most: more than any provider takes (Exchange Online: 150 MB).
pub const MAX_INPUT: u64 = 150 << 20;
/// Characters of a header field's value.
const MAX_VALUE: usize = 900;

/// A mail that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailDraft {
    /// From.
    pub from: NamedAddress,
    /// To.
    pub to: Vec<NamedAddress>,
    /// Cc.
    pub cc: Vec<NamedAddress>,
    /// Who gets it and stands in no field.
    pub bcc: Vec<NamedAddress>,
    /// Where answers go; to From where there is none.
    pub reply_to: Vec<NamedAddress>,
    /// Where bounces go: the envelope's sender. From where there is none.
    pub return_to: Option<NamedAddress>,
    /// Put on one line.
    pub subject: String,
    /// The text.
    pub text: Option<String>,
    /// The HTML; beside a text both are alternatives.
    pub html: Option<String>,
    /// Files, in their order.
    pub attached: Vec<Attached>,
    /// Further fields, whose names begin with `X-`.
    pub headers: Vec<(String, String)>,
    /// Without angle brackets.
    pub message_id: String,
    /// The Message-ID of the mail that it answers.
    pub in_reply_to: Option<String>,
    /// Whether a person writes: without it, the mail says that a program sends it (RFC 3834 section 5).
    pub personal: bool,
}

/// A file of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// Its name for the recipients.
    pub name: String,
    /// Its content.
    pub data: Vec<u8>,
}

/// Why a mail can't be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// Nobody gets it.
    #[error("there is no recipient: give --to, --cc or --bcc")]
    Nobody,
    /// Too many get it.
    #[error("there are {0} recipients, and a mail may have 100: send several mails")]
    Recipients(usize),
    /// An address that can't be sent to.
    #[error("{0:?} is not an address that can be sent to: write name@example.com or Name <name@example.com>")]
    Address(String),
    /// A Message-ID that can't be one.
    #[error("{0:?} is not a Message-ID: write <unique@example.com>")]
    Id(String),
    /// A field that may not be set.
    #[error(
        "the header {0:?} can't be set: write \"X-Name: value\", not X-Mailjob-…, X-Auto-Response-Suppress or one twice"
    )]
    Header(String),
    /// The builder made what servers would not understand.
    #[error("the mail can't be written as mail servers want it")]
    Unbuildable,
}

/// Reads `X-Name: value`.
///
/// # Errors
/// When it is not of that form, or a field of ours.
pub fn header(text: &str) -> Result<(String, String), DraftError> {
    let refused = || DraftError::Header(clean(text, 80));
    let (name, value) = text.split_once(':').ok_or_else(refused)?;
    let plain = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let lower = name.to_ascii_lowercase();
    let named = lower.strip_prefix("x-").is_some_and(|rest| !rest.is_empty());
    let ours = lower.starts_with("x-mailjob-") || lower == "x-auto-response-suppress";
    if !named || ours || !plain(name) || name.len() > 70 {
        return Err(refused());
    }
    Ok((name.to_owned(), one_line(value, MAX_VALUE)))
}

/// Text that stands on one line of a header: folding keeps single spaces only, and what looks like an encoded word (RFC 2047) would
/// be decoded by readers, while mail-builder 2.0.1 writes it as it is.
pub(super) fn one_line(text: &str, max: usize) -> String {
    let cleaned = clean(text, max).replace("=?", "= ?");
    cleaned.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_fields_of_ones_own() {
        let set = |name: &str, value: &str| Ok((name.to_owned(), value.to_owned()));
        assert_eq!(header("X-Order: 4711"), set("X-Order", "4711"));
        assert_eq!(header("x-a:b\r\nBcc: c@d"), set("x-a", "b Bcc: c@d"));
        for bad in [
            "Subject: x",
            "X-: x",
            "X-A",
            "X-A B: c",
            "X-Mailjob-Job: 1",
            "X-Auto-Response-Suppress: None",
            "Bcc: a@b",
            "",
        ] {
            assert!(header(bad).is_err(), "{bad}");
        }
    }
}
