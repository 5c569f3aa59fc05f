//! The view of a mail that decisions and payloads are made from. Bodies and attachments are decoded when they are asked for.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use mail_parser::{AddressList, Message, MessagePart, PartId, PartKind, PartRole, TextList};

use super::{
    Address, Head, auto,
    clean::{clean, clean_id},
    safe_name::Names,
};

/// Characters kept of a subject.
const MAX_SUBJECT: usize = 4_000;
/// Characters kept of a name.
const MAX_NAME: usize = 1_000;
/// Addresses kept of a header's From, To and so on.
const MAX_ADDRESSES: usize = 1_000;
/// Identifiers kept of References: the first and the last ones.
const MAX_IDS: usize = 100;

/// A mail that was read.
#[derive(Debug)]
pub struct Mail<'a> {
    raw: &'a [u8],
    message: Message<'a>,
    /// Set when there is neither header nor blank line: all of it is text.
    bare: bool,
    files: Vec<PartId>,
}

impl<'a> Mail<'a> {
    /// `None` when mail-parser found no mail and the bytes are no text either.
    pub(super) fn new(raw: &'a [u8], message: Option<Message<'a>>) -> Option<Self> {
        let bare = message.is_none();
        if bare && (raw.trim_ascii().is_empty() || raw.contains(&0)) {
            return None;
        }
        let message = message.unwrap_or_default();
        let files = if bare { Vec::new() } else { files(&message) };
        Some(Self {
            raw,
            message,
            bare,
            files,
        })
    }

    /// The mail as it came.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// What replies and decisions need of the header.
    #[must_use]
    pub fn head(&self) -> Head {
        let message = &self.message;
        let from = addresses(message.all_from());
        let fields = message.headers().into_iter();
        let automatic = auto::judge(fields.map(|field| (field.raw_name(), field.raw_value())), &from);
        Head {
            message_id: message.message_id().map(clean_id).filter(|id| !id.is_empty()),
            in_reply_to: ids(message.in_reply_to()),
            references: ids(message.references()),
            from,
            reply_to: addresses(message.reply_to().into_iter()),
            to: addresses(message.all_to()),
            cc: addresses(message.all_cc()),
            delivered_to: delivered_to(message),
            subject: clean(message.subject().unwrap_or_default(), MAX_SUBJECT),
            date: date(message),
            automatic,
        }
    }

    /// The header's fields in their order: name, and value as written, with its line breaks.
    pub fn fields(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.message
            .headers()
            .into_iter()
            .map(|field| (field.raw_name(), String::from_utf8_lossy(field.raw_value())))
    }

    /// The text for people to read; `None` when the mail has only HTML or only attachments. Where text and HTML parts follow
    /// one another, the HTML ones are put into text.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        if self.bare {
            return Some(String::from_utf8_lossy(self.raw));
        }
        let root = self.message.root();
        root.text_body()
            .any(|part| matches!(part.kind(), PartKind::Text))
            .then(|| joined(root.text_bodies()))
    }

    /// The HTML; `None` when the mail has none. Where text and HTML parts follow one another, the text ones are put into HTML.
    #[must_use]
    pub fn html(&self) -> Option<Cow<'_, str>> {
        let root = self.message.root();
        root.html_body()
            .any(|part| matches!(part.kind(), PartKind::Html))
            .then(|| joined(root.html_bodies()))
    }

    /// What there is to read, as text: HTML where there is nothing else.
    #[must_use]
    pub fn readable(&self) -> Cow<'_, str> {
        self.text().unwrap_or_else(|| joined(self.message.root().text_bodies()))
    }

    /// How many attachments there are.
    #[must_use]
    pub fn attachment_count(&self) -> usize {
        self.files.len()
    }

    /// All attachments in their order: every part that is not text or HTML to be read, inline images and nested mails with them.
    #[must_use]
    pub fn attachments(&self) -> Vec<Attachment<'_>> {
        let mut names = Names::default();
        let parts = self.files.iter().filter_map(|&id| self.message.part(id));
        parts.map(|part| Attachment::new(part, &mut names)).collect()
    }
}

/// A part that is handed on as a file.
#[derive(Debug)]
pub struct Attachment<'m> {
    part: MessagePart<'m>,
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
    fn new(part: MessagePart<'m>, names: &mut Names) -> Self {
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
            part,
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
        self.part.decoded_len()
    }

    /// The content, decoded now.
    #[must_use]
    pub fn data(&self) -> Cow<'m, [u8]> {
        self.part.decoded()
    }
}

/// The leaves of the mail itself (not of mails inside it) that are no text or HTML to be read.
fn files(message: &Message<'_>) -> Vec<PartId> {
    let is_file = |part: &MessagePart<'_>| match part.kind() {
        PartKind::Multipart => false,
        PartKind::Text | PartKind::Html => part.is_attachment() || part.role() == PartRole::Dropped,
        PartKind::Binary | PartKind::InlineBinary | PartKind::Message(_) => true,
    };
    message.root().parts().filter(is_file).map(|part| part.id()).collect()
}

fn media_type(part: &MessagePart<'_>) -> String {
    let token = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&b))
    };
    part.content_type()
        .and_then(|declared| Some((declared.ctype(), declared.subtype()?)))
        .filter(|(kind, subtype)| token(kind) && token(subtype) && kind.len() + subtype.len() < 127)
        .map_or_else(
            || "application/octet-stream".to_owned(),
            |(kind, subtype)| format!("{kind}/{subtype}").to_ascii_lowercase(),
        )
}

fn joined<'m>(mut pieces: impl Iterator<Item = Cow<'m, str>>) -> Cow<'m, str> {
    let mut text = pieces.next().unwrap_or_default();
    for piece in pieces {
        let text = text.to_mut();
        text.push('\n');
        text.push_str(&piece);
    }
    text
}

fn addresses<'m>(lists: impl Iterator<Item = AddressList<'m>>) -> Vec<Address> {
    let mailboxes = lists.flat_map(|list| list.mailboxes());
    let address = |mailbox: mail_parser::Mailbox<'_>| Address {
        name: mailbox
            .name()
            .map(|name| clean(name, MAX_NAME))
            .filter(|name| !name.is_empty()),
        address: clean(mailbox.address().unwrap_or_default(), MAX_NAME),
    };
    mailboxes
        .map(address)
        .filter(|found| found.name.is_some() || !found.address.is_empty())
        .take(MAX_ADDRESSES)
        .collect()
}

/// The fields in which servers write for whom a mail was: Postfix, Dovecot and Exim (2026).
const DELIVERED_TO: [&str; 4] = ["Delivered-To", "X-Original-To", "Envelope-To", "X-Delivered-To"];

fn delivered_to(message: &Message<'_>) -> Vec<String> {
    let fields = message.headers().into_iter();
    let named = fields.filter(|field| {
        DELIVERED_TO
            .iter()
            .any(|name| name.eq_ignore_ascii_case(field.raw_name()))
    });
    let values = named.flat_map(|field| {
        let value = String::from_utf8_lossy(field.raw_value()).into_owned();
        let one = |text: &str| {
            clean(
                text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '<' | '>')),
                MAX_NAME,
            )
        };
        value.split(',').map(one).collect::<Vec<_>>()
    });
    values
        .filter(|address| address.contains('@'))
        .take(MAX_ADDRESSES)
        .collect()
}

fn ids(list: Option<TextList<'_>>) -> Vec<String> {
    let ids: Vec<&str> = list.iter().flat_map(|list| list.iter()).collect();
    let cut = ids.len().saturating_sub(MAX_IDS);
    let kept = ids.iter().take(1).chain(ids.iter().skip(1 + cut));
    kept.map(|id| clean_id(id)).filter(|id| !id.is_empty()).collect()
}

/// mail-parser 1.0.1 finds no date without seconds before a named zone (`08:30 GMT`); chrono reads those.
fn date(message: &Message<'_>) -> Option<DateTime<Utc>> {
    let parsed = message.date().filter(mail_parser::DateTime::is_valid);
    parsed
        .and_then(|date| DateTime::from_timestamp(date.to_timestamp(), 0))
        .or_else(|| {
            let written = message.headers().get("Date")?.raw_value();
            let written = str::from_utf8(written).ok()?.trim();
            Some(DateTime::parse_from_rfc2822(written).ok()?.to_utc())
        })
}
