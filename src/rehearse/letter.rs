//! A reply as its recipient would read it.

use std::borrow::Cow;

use super::ReplyPreview;
use crate::{
    config::Limits,
    job::{NewConversation, NewReply},
    message::{self, Attachment},
};

/// A reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RehearsedReply {
    /// The account whose SMTP server takes it.
    pub account: String,
    /// Envelope sender.
    pub sender: String,
    /// Envelope recipients.
    pub recipients: Vec<String>,
    /// Subject, decoded.
    pub subject: String,
    /// The header fields as written, each on one line.
    pub headers: Vec<(String, String)>,
    /// The text.
    pub text: String,
    /// The HTML.
    pub html: Option<String>,
    /// The files: name, media type, bytes.
    pub files: Vec<(String, String, u64)>,
    /// What is not as the operator's templates meant it, and why.
    pub notes: Vec<String>,
    /// That it may be answered. The token in its header is made up.
    pub answerable: Option<Box<NewConversation>>,
}

/// Reads a reply as its recipient would.
pub(super) async fn read(reply: NewReply, notes: Vec<String>) -> ReplyPreview {
    let NewReply {
        account,
        sender,
        recipients,
        bytes,
        conversation,
        ..
    } = reply;
    let read = message::read(bytes, Limits::default(), |mail| {
        let field =
            |(name, value): (&str, Cow<'_, str>)| (name.to_owned(), value.replace("\r\n", "").trim().to_owned());
        let text = mail.text().unwrap_or_default().into_owned();
        let html = mail.html().map(Cow::into_owned);
        let file = |file: Attachment<'_>| {
            let size = u64::try_from(file.size()).unwrap_or(u64::MAX);
            (file.shown_name().to_owned(), file.media_type, size)
        };
        let files = mail.attachments().into_iter().map(file).collect::<Vec<_>>();
        (
            mail.head().subject,
            mail.fields().map(field).collect(),
            text,
            html,
            files,
        )
    });
    match read.await {
        Ok((subject, headers, text, html, files)) => ReplyPreview::Letter(RehearsedReply {
            account,
            sender,
            recipients,
            subject,
            headers,
            text,
            html,
            files,
            notes,
            answerable: conversation,
        }),
        Err(_) => ReplyPreview::Nothing("unbuildable".to_owned()),
    }
}
