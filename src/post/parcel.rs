//! A mail, taken apart: what is told of it and the files that it becomes.

use bytes::Bytes;

use super::page::{AttachmentElement, MailElement};
use crate::{
    config::{Limits, glob::Glob},
    message::{self, Mail, Unreadable, clean::clean},
};

/// Characters kept of one header field's value.
const MAX_FIELD: usize = 16_000;

/// The folder of attachments.
pub(super) const ATTACHMENTS: &str = "attachments";

/// A mail that was taken apart.
pub(super) struct UnpackedMail {
    pub(super) mail: MailElement,
    /// The wanted attachments, by their safe names.
    pub(super) files: Vec<(String, Bytes)>,
}

/// Takes a mail apart within limits. Of its attachments those are kept whose media type matches; `None` where some type is wanted and
/// none matches.
///
/// # Errors
/// When the mail can't be read.
pub(super) async fn open(raw: Bytes, limits: &Limits, types: &[String]) -> Result<Option<UnpackedMail>, Unreadable> {
    let types = types.to_vec();
    message::read(raw, *limits, move |mail| taken_apart(mail, &types)).await
}

fn taken_apart(mail: &Mail<'_>, types: &[String]) -> Option<UnpackedMail> {
    let wanted: Vec<_> = types.iter().map(|pattern| Glob::new(pattern)).collect();
    let is_wanted = |media_type: &str| wanted.is_empty() || wanted.iter().any(|glob| glob.matches(media_type));
    let (mut elements, mut files) = (Vec::new(), Vec::new());
    for attachment in mail.attachments() {
        if !is_wanted(&attachment.media_type) {
            continue;
        }
        let data = Bytes::from(attachment.data().into_owned());
        elements.push(AttachmentElement {
            name: attachment.name.clone(),
            file: format!("{ATTACHMENTS}/{}", attachment.safe_name),
            media_type: attachment.media_type.clone(),
            charset: attachment.charset.clone(),
            inline: attachment.inline,
            content_id: attachment.content_id.clone(),
            size: data.len(),
        });
        files.push((attachment.safe_name, data));
    }
    if !wanted.is_empty() && files.is_empty() {
        return None;
    }
    let head = mail.head();
    let fields = mail
        .fields()
        .map(|(name, value)| (clean(name, 200), clean(&value, MAX_FIELD)));
    let headers: Vec<_> = fields.collect();
    let field = |wanted: &str| {
        let mut found = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.next().map(|(_, value)| value.clone())
    };
    let mail = MailElement {
        message_id: head.message_id,
        from: head.from,
        reply_to: head.reply_to,
        to: head.to,
        cc: head.cc,
        subject: head.subject,
        date: head.date,
        in_reply_to: head.in_reply_to,
        references: head.references,
        importance: field("Importance"),
        x_priority: field("X-Priority"),
        automatic: head.automatic.map(|why| why.code()),
        text: mail.text().map(|text| text.into_owned()),
        html: mail.html().map(|html| html.into_owned()),
        attachment_count: mail.attachment_count(),
        attachments: elements,
        headers,
    };
    Some(UnpackedMail { mail, files })
}
