//! A mail inside a mail, opened as far as people need to know what it is.

use chrono::{DateTime, Utc};
use mail_parser::{MessagePart, MessageRef};

use super::{
    Address,
    attachment::media_type,
    clean::{clean, clean_id},
    mail::{addresses, date, file_parts, joined},
};

/// Mails inside mails that are opened.
const DEEPEST: usize = 3;
/// Characters kept of a subject or a name.
const MAX_LINE: usize = 1_000;
/// Characters kept of a text.
const MAX_TEXT: usize = 100_000;
/// Attachments that are named.
const MOST_FILES: usize = 200;

/// A mail inside a mail. Its sender's claims, and nothing of it is verified.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Nested {
    /// Message-ID, without angle brackets.
    pub message_id: Option<String>,
    /// From.
    pub from: Vec<Address>,
    /// To.
    pub to: Vec<Address>,
    /// Subject, decoded, on one line.
    pub subject: String,
    /// Date, as the sender's clock had it.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub date: Option<DateTime<Utc>>,
    /// The text to read, 100,000 characters at most. Null when the mail has only HTML.
    pub text: Option<String>,
    /// Its attachments, 200 at most; their contents are in the mail's own file.
    pub attachments: Vec<NestedFile>,
}

/// An attachment of a mail inside a mail.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct NestedFile {
    /// The name as the sender wrote it. It may look like a path: never use it as one.
    pub name: Option<String>,
    /// The declared media type, in lower case.
    pub media_type: String,
    /// Bytes of the decoded content.
    pub size: u64,
    /// The mail that it is, opened, down to the third; null when it is none.
    pub message: Option<Nested>,
}

impl Nested {
    /// Opens a mail that is so deep inside others; the mails in it too, down to the third.
    pub(super) fn new(message: MessageRef<'_>, depth: usize) -> Self {
        let files = file_parts(message).take(MOST_FILES);
        let plain = message
            .text_body()
            .any(|part| matches!(part.kind(), mail_parser::PartKind::Text));
        Self {
            message_id: message.message_id().map(clean_id).filter(|id| !id.is_empty()),
            from: addresses(message.all_from()),
            to: addresses(message.all_to()),
            subject: clean(message.subject().unwrap_or_default(), MAX_LINE),
            date: date(message.date(), message.headers()),
            text: plain.then(|| joined(message.text_bodies()).chars().take(MAX_TEXT).collect()),
            attachments: files.map(|part| NestedFile::new(&part, depth)).collect(),
        }
    }
}

impl NestedFile {
    fn new(part: &MessagePart<'_>, depth: usize) -> Self {
        let name = part.attachment_name().map(|name| clean(name, MAX_LINE));
        let inside = part.nested().filter(|_| depth < DEEPEST);
        Self {
            name: name.filter(|name| !name.is_empty()),
            media_type: media_type(part),
            size: part.decoded_len() as u64,
            message: inside.map(|message| Nested::new(message, depth + 1)),
        }
    }
}
