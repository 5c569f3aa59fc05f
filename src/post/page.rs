//! What is told of a received mail: the contract of `mailjob receive`. Pure.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::{
    config::SettleAction,
    message::{Address, clean::json_line},
};

/// A mail that was received. Every field is always there; what is not known is `null`. What the mail says is its sender's claim.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Element {
    /// The folder that has it; `null` where nothing was written.
    pub folder: Option<String>,
    /// Its UID in the mailbox, or its unique id (POP3).
    pub uid: String,
    /// The number under which the UID counts (IMAP).
    pub uid_validity: Option<u32>,
    /// Bytes of the raw mail.
    pub size: u64,
    /// When the server received it (IMAP).
    pub received: Option<DateTime<Utc>>,
    /// What became of it in the mailbox.
    pub then: MailboxEffect,
    /// What went wrong with it, in words.
    pub error: Option<String>,
    /// What it says; `null` when it can't be read.
    pub mail: Option<MailElement>,
}

/// What became of a mail in its mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MailboxEffect {
    /// Nothing.
    Kept,
    /// It is `\Seen`.
    Marked,
    /// It is `\Flagged`.
    Flagged,
    /// It is deleted.
    Deleted,
    /// It is in another mailbox.
    Moved,
}

impl From<&SettleAction> for MailboxEffect {
    fn from(fate: &SettleAction) -> Self {
        match fate {
            SettleAction::Keep => Self::Kept,
            SettleAction::Mark => Self::Marked,
            SettleAction::Flag => Self::Flagged,
            SettleAction::Delete => Self::Deleted,
            SettleAction::Move(_) => Self::Moved,
        }
    }
}

/// What a mail says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MailElement {
    /// Message-ID, without angle brackets.
    pub message_id: Option<String>,
    /// From.
    pub from: Vec<Address>,
    /// Reply-To.
    pub reply_to: Vec<Address>,
    /// To.
    pub to: Vec<Address>,
    /// Cc.
    pub cc: Vec<Address>,
    /// Subject, decoded, on one line; empty where there is none.
    pub subject: String,
    /// Date, as the sender's clock had it.
    pub date: Option<DateTime<Utc>>,
    /// In-Reply-To, without angle brackets.
    pub in_reply_to: Vec<String>,
    /// References, without angle brackets.
    pub references: Vec<String>,
    /// Importance, as written.
    pub importance: Option<String>,
    /// X-Priority, as written.
    pub x_priority: Option<String>,
    /// Why a machine must not answer it (RFC 3834).
    pub automatic: Option<&'static str>,
    /// The text; `null` where there is only HTML.
    pub text: Option<String>,
    /// The HTML; `null` where there is none.
    pub html: Option<String>,
    /// How many attachments it has.
    pub attachment_count: usize,
    /// Those of a wanted media type.
    pub attachments: Vec<AttachmentElement>,
    /// The header fields in their order, as written but each on one line.
    pub headers: Vec<(String, String)>,
}

/// A file that came with a mail.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttachmentElement {
    /// Its name as the sender wrote it. It may look like a path: never use it as one.
    pub name: Option<String>,
    /// Its file below the mail's folder.
    pub file: String,
    /// The declared media type, in lower case.
    pub media_type: String,
    /// The declared charset of a text.
    pub charset: Option<String>,
    /// Whether it is meant to be shown inside the HTML.
    pub inline: bool,
    /// Content-ID, without angle brackets.
    pub content_id: Option<String>,
    /// Bytes of the decoded content.
    pub size: usize,
}

/// A value on one line of JSON in which nothing could steer a terminal.
#[must_use]
pub fn json(value: &impl Serialize) -> String {
    json_line(value).unwrap_or_else(|_| "null".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::clean::needs_escape;

    #[test]
    fn nothing_steers_a_terminal_and_nothing_is_lost() {
        let hostile = "a\u{1b}[2J\u{9b}\u{202e}\u{e0001}\n\"ü";
        let written = json(&hostile);
        assert!(written.chars().all(|c| !needs_escape(c)), "{written}");
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), hostile);
    }
}
