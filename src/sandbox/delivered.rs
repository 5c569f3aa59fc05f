//! A mail as people see it. Pure.

use mail_parser::MessageParser;

/// Nested parts of a mail, and parts in all, that are looked at for its attachments.
const DEPTH: usize = 10;
const PARTS: usize = 200;
/// Characters kept of a subject or a name, bytes of a text, and names of attachments, where a mail is shown.
const SHOWN: usize = 500;
const TEXT: usize = 64 << 10;
const FILES: usize = 20;

/// What people see of a mail.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivered {
    /// Message-ID, without angle brackets.
    pub message_id: String,
    /// The first of In-Reply-To, the same.
    pub in_reply_to: String,
    /// The address that answers go to.
    pub reply_to: String,
    /// Subject.
    pub subject: String,
    /// Its text.
    pub text: String,
    /// The names of its attachments.
    pub files: Vec<String>,
}

impl Delivered {
    /// Reads a mail, and of what is long its beginning.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Self {
        let parser = MessageParser::new().max_depth(DEPTH).max_parts(PARTS);
        let Some(mail) = parser.parse(bytes) else {
            return Self::default();
        };
        let from = mail
            .from()
            .and_then(|from| from.first().and_then(|from| from.address()));
        let reply_to = mail.reply_to().and_then(|to| to.first().and_then(|to| to.address()));
        Self {
            message_id: mail.message_id().unwrap_or_default().to_owned(),
            in_reply_to: mail
                .in_reply_to()
                .and_then(|ids| ids.first())
                .unwrap_or_default()
                .to_owned(),
            reply_to: reply_to.or(from).unwrap_or_default().to_owned(),
            subject: beginning(mail.subject().unwrap_or_default(), SHOWN),
            text: beginning(&mail.body_text(0).unwrap_or_default(), TEXT),
            files: mail
                .attachments()
                .filter_map(|file| file.attachment_name().map(|name| beginning(name, SHOWN)))
                .take(FILES)
                .collect(),
        }
    }
}

fn beginning(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
