//! A mail inside a mail, opened as far as people need to know what it is.

use chrono::{DateTime, Utc};
use mail_parser::{MessagePart, MessageRef};

use super::{
    Address,
    attachment::media_type,
    charset::CharsetHints,
    clean::{clean, clean_id},
    transfer,
    view::{self, MessageScan, View},
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
    /// What a reader should know of the date: that no zone was named, or that there is one that can't be read.
    pub date_note: Option<&'static str>,
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
        let seen = MessageScan::of(message);
        let view = View::new(message, &seen);
        let text = view.text().map(|text| text.chars().take(MAX_TEXT).collect());
        let written = view.written();
        Self {
            message_id: message.message_id().map(clean_id).filter(|id| !id.is_empty()),
            from: view.addresses("From"),
            to: view.addresses("To"),
            subject: clean(&view.subject(), MAX_LINE),
            date: written.instant(),
            date_note: written.note(),
            text,
            attachments: view
                .files()
                .take(MOST_FILES)
                .map(|part| NestedFile::new(&part, view.clues(), depth))
                .collect(),
        }
    }
}

impl NestedFile {
    fn new(part: &MessagePart<'_>, clues: CharsetHints<'_>, depth: usize) -> Self {
        let name = view::name(part, clues).map(|name| clean(&name, MAX_LINE));
        let inside = part.nested().filter(|_| depth < DEEPEST);
        Self {
            name: name.filter(|name| !name.is_empty()),
            media_type: media_type(part),
            size: transfer::size(part) as u64,
            message: inside.map(|message| Nested::new(message, depth + 1)),
        }
    }
}
