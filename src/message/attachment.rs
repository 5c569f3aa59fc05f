//! Attachments: parts of a mail that are handed on as files, and files that were packed into one of them.

use std::borrow::Cow;

use mail_parser::{MessageParser, MessagePart};

use super::{
    charset::CharsetHints,
    clean::{clean, clean_id},
    nested::Nested,
    safe_name::{self, Names},
    tnef::Packed,
    transfer,
    view::{MessageScan, View, charset_of, is_inline, name},
    words,
};

/// Characters kept of a name.
const MAX_NAME: usize = 1_000;
/// Levels and parts of a mail that was packed.
const DEEPEST: usize = 20;
const MOST_PARTS: usize = 1_000;

/// A part that is handed on as a file.
#[derive(Debug)]
pub struct Attachment<'m> {
    content: AttachmentSource<'m>,
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
    /// The transfer encoding that nobody knows; then [`Self::data`] is as it stands in the mail.
    pub undecoded: Option<String>,
}

impl<'m> Attachment<'m> {
    pub(super) fn new(part: MessagePart<'m>, clues: CharsetHints<'_>, names: &mut Names) -> Self {
        let media_type = media_type(&part);
        let (undecoded, packed_name) = transfer::odd(&part);
        let name = name(&part, clues).or_else(|| packed_name.map(|name| words::text(&name, clues)));
        let name = name.map(|name| clean(&name, MAX_NAME)).filter(|name| !name.is_empty());
        let subject = part
            .nested()
            .map(|nested| View::new(nested, &MessageScan::of(nested)).subject());
        let subject = subject
            .map(|subject| clean(&subject, 100))
            .filter(|subject| !subject.is_empty());
        let wanted = match (&name, subject) {
            (Some(name), _) => Some(Cow::Borrowed(name.as_str())),
            (None, Some(subject)) => Some(Cow::Owned(format!("{}.eml", subject.replace(['/', '\\'], "_")))),
            (None, None) => None,
        };
        Self {
            safe_name: names.add(wanted.as_deref(), &media_type),
            name,
            media_type,
            charset: charset_of(&part),
            inline: is_inline(&part),
            content_id: part.content_id().map(clean_id).filter(|id| !id.is_empty()),
            undecoded,
            content: AttachmentSource::Part(part),
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
            undecoded: None,
            content: AttachmentSource::Packed(&file.data),
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
            AttachmentSource::Part(part) => transfer::size(part),
            AttachmentSource::Packed(data) => data.len(),
        }
    }

    /// The content, decoded now.
    #[must_use]
    pub fn data(&self) -> Cow<'m, [u8]> {
        match &self.content {
            AttachmentSource::Part(part) => transfer::body(part).bytes,
            AttachmentSource::Packed(data) => Cow::Borrowed(data),
        }
    }

    /// The mail that it is, opened; `None` when it is none.
    #[must_use]
    pub fn message(&self) -> Option<Nested> {
        match &self.content {
            AttachmentSource::Part(part) => part.nested().map(|message| Nested::new(message, 1)),
            // A mail that was packed into a winmail.dat.
            AttachmentSource::Packed(data) if self.media_type == "message/rfc822" => {
                let message = MessageParser::new()
                    .max_depth(DEEPEST)
                    .max_parts(MOST_PARTS)
                    .parse(*data)?;
                Some(Nested::new(message.root(), 1))
            }
            AttachmentSource::Packed(_) => None,
        }
    }
}

/// Where its content is.
#[derive(Debug)]
enum AttachmentSource<'m> {
    /// In a part of the mail.
    Part(MessagePart<'m>),
    /// In a file that was unpacked.
    Packed(&'m [u8]),
}

pub(super) fn media_type(part: &MessagePart<'_>) -> String {
    let declared = part
        .content_type()
        .and_then(|declared| Some((declared.ctype(), declared.subtype()?)));
    let declared = declared.filter(|(kind, subtype)| is_media_type(kind, subtype));
    match declared {
        Some((kind, subtype)) => format!("{kind}/{subtype}").to_ascii_lowercase(),
        // What a digest holds without saying so (RFC 2046 section 5.1.5).
        None if part.is_message() => "message/rfc822".to_owned(),
        None => "application/octet-stream".to_owned(),
    }
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
