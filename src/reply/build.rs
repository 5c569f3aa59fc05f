//! From what a letter says to its bytes, built by mail-builder and looked at before they are believed. Pure.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use mail_builder::{
    MessageBuilder,
    headers::{address::Address, content_type::ContentType, date::Date, message_id::MessageId, raw::Raw},
    mime::{BodyPart, MimePart},
};

use super::{
    charset,
    ids::MessageIds,
    inspect::{is_sound, reads_back},
    recipients::Recipients,
    words::RenderedWords,
};
use crate::{
    config::{ReplyCharset, ReplySender},
    job::{JobId, ResultFile},
    message::LOOP_MARK,
};

/// A letter that is to be built. All of its texts are clean.
pub(super) struct ReplyDraft<'a> {
    pub(super) job: JobId,
    pub(super) now: DateTime<Utc>,
    pub(super) from: &'a ReplySender,
    pub(super) recipients: &'a Recipients,
    pub(super) ids: &'a MessageIds<'a>,
    pub(super) spoken: RenderedWords,
    pub(super) charset: ReplyCharset,
    pub(super) files: &'a [(String, &'a ResultFile)],
    /// The mail that is answered, as it is attached.
    pub(super) original: Option<MimePart<'static>>,
}

/// The letter's bytes; `None` when they are not what they should be.
pub(super) fn build(draft: ReplyDraft<'_>) -> Option<Bytes> {
    let ReplyDraft {
        from, recipients, ids, ..
    } = &draft;
    let attached = draft.files.len() + usize::from(draft.original.is_some());
    let subject = draft.spoken.subject.clone();
    let mut mail = MessageBuilder::new()
        .from(Address::new_address(from.name.as_deref(), from.address.as_str()))
        .to(list(&recipients.to));
    if !recipients.cc.is_empty() {
        mail = mail.cc(list(&recipients.cc));
    }
    if let Some(reply_to) = &ids.reply_to {
        mail = mail.reply_to(Address::new_address(None::<&str>, reply_to.as_str()));
    }
    mail = mail
        .date(Date::new(draft.now.timestamp()))
        .message_id(ids.message_id.as_str());
    mail = match japanese(draft.charset, &subject).and_then(charset::words) {
        Some(words) => mail.header("Subject", Raw::new(words)),
        None => mail.subject(subject.as_str()),
    };
    if let Some(answered) = ids.in_reply_to {
        mail = mail.in_reply_to(answered);
    }
    if !ids.references.is_empty() {
        mail = mail.references(MessageId::new_list(ids.references.iter().copied()));
    }
    // RFC 3834 section 5; and Exchange's own word for the same.
    mail = mail
        .header("Auto-Submitted", Raw::new("auto-replied"))
        .header("X-Auto-Response-Suppress", Raw::new("All"))
        .header(LOOP_MARK, Raw::new(draft.job.to_string()));
    if let Some(language) = &draft.spoken.language {
        mail = mail.header("Content-Language", Raw::new(language.as_str()));
    }
    mail.text_body = Some(text_part(draft.charset, &draft.spoken.text));
    if let Some(html) = &draft.spoken.html {
        mail = mail.html_body(html.as_str());
    }
    let files = draft.files.iter().map(|(name, file)| {
        let content = BodyPart::Binary(file.data.as_ref().into());
        MimePart::new(media_type(&file.media_type), content).attachment(name.as_str())
    });
    let parts: Vec<_> = files.chain(draft.original.clone()).collect();
    mail.attachments = Some(parts).filter(|parts| !parts.is_empty());
    let bytes = mail.write_to_vec().ok()?;
    let fine = is_sound(&bytes) && reads_back(&bytes, &subject, draft.spoken.html.is_some(), attached);
    fine.then(|| bytes.into())
}

fn list(addresses: &[String]) -> Address<'_> {
    let each = addresses.iter().map(|to| match to.is_ascii() {
        true => Address::new_address(None::<&str>, to.as_str()),
        // Header fields stay ASCII, so that the letter's bytes are the same for every server: a group without members whose name is the
        // address (RFC 6857 section 3.1.8). The envelope has the address itself.
        false => Address::new_group(Some(to.as_str()), Vec::new()),
    });
    Address::new_list(each.collect())
}

/// Text that is to be written in ISO-2022-JP: ASCII is the same in UTF-8.
fn japanese(charset: ReplyCharset, text: &str) -> Option<&str> {
    (charset == ReplyCharset::Iso2022Jp && !text.is_ascii()).then_some(text)
}

fn text_part(charset: ReplyCharset, text: &str) -> MimePart<'_> {
    match japanese(charset, text).and_then(charset::encoded) {
        Some(bytes) => {
            let kind = ContentType::new("text/plain").attribute("charset", charset::NAME);
            MimePart::new(kind, BodyPart::Binary(bytes.into())).transfer_encoding("7bit")
        }
        None => MimePart::new("text/plain", BodyPart::Text(text.into())),
    }
}

/// `type/subtype` of plain tokens. Mails and multiparts may not be base64 (RFC 2046 section 5), and no reader needs them to be more
/// than a file.
fn media_type(wanted: &str) -> &str {
    let is_token = |text: &str| {
        (1..=80).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    let essence = wanted.split(';').next().unwrap_or_default().trim();
    match essence.split_once('/') {
        Some((kind, sub))
            if is_token(kind)
                && is_token(sub)
                && !["message", "multipart"]
                    .iter()
                    .any(|composite| kind.eq_ignore_ascii_case(composite)) =>
        {
            essence
        }
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types() {
        for (wanted, used) in [
            ("application/pdf", "application/pdf"),
            ("text/csv; charset=utf-8", "text/csv"),
            ("image/svg+xml", "image/svg+xml"),
            ("message/rfc822", "application/octet-stream"),
            ("Multipart/mixed", "application/octet-stream"),
            ("application/pdf\r\nBcc: x@y", "application/octet-stream"),
            ("pdf", "application/octet-stream"),
            ("", "application/octet-stream"),
            ("a/b/c", "application/octet-stream"),
        ] {
            assert_eq!(media_type(wanted), used, "{wanted:?}");
        }
    }
}
