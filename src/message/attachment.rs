//! Attachments: parts of a mail that are handed on as files, and files that were packed into one of them.

use std::borrow::Cow;

use mail_parser::MessagePart;

use super::{
    clean::{clean, clean_id},
    nested::Nested,
    safe_name::{self, Names},
    tnef::Packed,
};

/// Characters kept of a name.
const MAX_NAME: usize = 1_000;

/// A part that is handed on as a file.
#[derive(Debug)]
pub struct Attachment<'m> {
    content: Content<'m>,
    /// The name as its sender wrote it, without control characters; never a path to use.
    pub name: Option<String>,
    /// A name for a file, different from those of the mail's other attachments.
    pub safe_name: String,
    /// E.g. `application/pdf`; `application/octet-stream` where the mail does not say.
    pub media_type: String,
    /// The charset of a text, as the mail says.
    pub charset: Option<String>,
    /// Whether it is meant to be shown inside the HTML.
    pub inline: bool,
    /// Content-ID without angle brackets.
    pub content_id: Option<String>,
}

impl<'m> Attachment<'m> {
    pub(super) fn new(part: MessagePart<'m>, names: &mut Names) -> Self {
        let media_type = media_type(&part);
        let named = part.attachment_name().map(|name| clean(name, MAX_NAME));
        let name = named.filter(|name| !name.is_empty());
        let charset = part.content_type().and_then(|declared| declared.attribute("charset"));
        let subject = part.nested().and_then(|nested| nested.subject());
        let wanted = match (&name, subject) {
            (Some(name), _) => Some(Cow::Borrowed(name.as_str())),
            (None, Some(subject)) => Some(Cow::Owned(format!(
                "{}.eml",
                clean(subject, 100).replace(['/', '\\'], "_")
            ))),
            (None, None) => None,
        };
        Self {
            safe_name: names.add(wanted.as_deref(), &media_type),
            name,
            media_type,
            charset: charset.map(|charset| clean(charset, 100)),
            inline: part.is_inline(),
            content_id: part.content_id().map(clean_id).filter(|id| !id.is_empty()),
            content: Content::Part(part),
        }
    }

    /// A file that was packed into another.
    pub(super) fn packed(file: &'m Packed, names: &mut Names) -> Self {
        let declared = file.media_type.as_deref().unwrap_or_default().to_ascii_lowercase();
        let media_type = declared
            .split_once('/')
            .filter(|(kind, subtype)| is_media_type(kind, subtype));
        let name = file.name.as_deref().map(|name| clean(name, MAX_NAME));
        let name = name.filter(|name| !name.is_empty());
        let by_name = || safe_name::media_type(name.as_deref().unwrap_or_default()).to_owned();
        let media_type = media_type.map(|_| declared.clone()).unwrap_or_else(by_name);
        Self {
            safe_name: names.add(name.as_deref(), &media_type),
            name,
            media_type,
            charset: None,
            inline: false,
            content_id: None,
            content: Content::Packed(&file.data),
        }
    }

    /// The name by which filters know it: the sender's, else the safe one.
    #[must_use]
    pub fn shown_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.safe_name)
    }

    /// Bytes of [`Self::data`], without decoding it.
    #[must_use]
    pub fn size(&self) -> usize {
        match &self.content {
            Content::Part(part) => part.decoded_len(),
            Content::Packed(data) => data.len(),
        }
    }

    /// The content, decoded now.
    #[must_use]
    pub fn data(&self) -> Cow<'m, [u8]> {
        match &self.content {
            Content::Part(part) => part.decoded(),
            Content::Packed(data) => Cow::Borrowed(data),
        }
    }

    /// The mail that it is, opened; `None` when it is none.
    #[must_use]
    pub fn message(&self) -> Option<Nested> {
        match &self.content {
            Content::Part(part) => part.nested().map(|message| Nested::new(message, 1)),
            Content::Packed(_) => None,
        }
    }
}

/// Where its content is.
#[derive(Debug)]
enum Content<'m> {
    /// In a part of the mail.
    Part(MessagePart<'m>),
    /// In a file that was unpacked.
    Packed(&'m [u8]),
}

pub(super) fn media_type(part: &MessagePart<'_>) -> String {
    part.content_type()
        .and_then(|declared| Some((declared.ctype(), declared.subtype()?)))
        .filter(|(kind, subtype)| is_media_type(kind, subtype))
        .map_or_else(
            || "application/octet-stream".to_owned(),
            |(kind, subtype)| format!("{kind}/{subtype}").to_ascii_lowercase(),
        )
}

fn is_media_type(kind: &str, subtype: &str) -> bool {
    let token = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&b))
    };
    token(kind) && token(subtype) && kind.len() + subtype.len() < 127
}
