//! The view of a mail that decisions and payloads are made from. Bodies and attachments are decoded when they are asked for.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use mail_parser::{AddressList, Headers, Message, MessagePart, MessageRef, PartId, PartKind, PartRole, TextList};

use super::{
    Address, Attachment, Head, auto,
    clean::{clean, clean_id},
    identity::{self, Odd},
    language,
    safe_name::Names,
    sealed::{Scheme, encryption, is_winmail, of_signature, signature},
    tnef::{self, Packed},
    trust::{self, Sender},
};
use crate::config::Trust;

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
    /// What its signature was wrapped around; then this is what people read.
    inner: Option<Message<'a>>,
    /// Set when there is neither header nor blank line: all of it is text.
    bare: bool,
    files: Vec<File>,
    encrypted: Option<Scheme>,
}

/// What becomes an attachment.
#[derive(Debug)]
enum File {
    /// A part.
    Part(PartId),
    /// What was packed into one.
    Packed(Packed),
}

impl<'a> Mail<'a> {
    /// `None` when mail-parser found no mail and the bytes are no text either.
    pub(super) fn new(raw: &'a [u8], message: Option<Message<'a>>, inner: Option<Message<'a>>) -> Option<Self> {
        let bare = message.is_none();
        if bare && (raw.trim_ascii().is_empty() || raw.contains(&0)) {
            return None;
        }
        let message = message.unwrap_or_default();
        let content = inner.as_ref().unwrap_or(&message);
        let files = if bare { Vec::new() } else { files(content) };
        let encrypted = encryption(content).filter(|_| !bare);
        Some(Self {
            raw,
            message,
            inner,
            bare,
            files,
            encrypted,
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
        let odd_from = identity::judge(self.raw, &from).err();
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
            date: date(message.date(), message.headers()),
            languages: language::languages(
                message
                    .headers()
                    .into_iter()
                    .map(|field| (field.raw_name(), field.raw_value())),
            ),
            automatic,
            odd_from,
        }
    }

    /// The one address that From names.
    ///
    /// # Errors
    /// Why it names nobody.
    pub fn identity(&self) -> Result<String, Odd> {
        identity::judge(self.raw, &addresses(self.message.all_from()))
    }

    /// Who its sender is, and what shows it.
    #[must_use]
    pub fn sender(&self, trust: &Trust) -> Sender {
        let fields = self.message.headers().into_iter();
        let fields = fields.map(|field| (field.raw_name(), field.raw_value()));
        trust::sender(self.identity(), fields, trust)
    }

    /// The header's fields in their order: name, and value as written, with its line breaks.
    pub fn fields(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.message
            .headers()
            .into_iter()
            .map(|field| (field.raw_name(), String::from_utf8_lossy(field.raw_value())))
    }

    /// What people read: the mail, or the one that its signature is wrapped around.
    fn content(&self) -> &Message<'a> {
        self.inner.as_ref().unwrap_or(&self.message)
    }

    /// How its content is encrypted; `None` when it can be read.
    #[must_use]
    pub fn encrypted(&self) -> Option<Scheme> {
        self.encrypted
    }

    /// How it is signed. The signature was not verified.
    #[must_use]
    pub fn signed(&self) -> Option<Scheme> {
        let wrapped = self.inner.is_some().then_some(Scheme::Smime);
        wrapped.or_else(|| signature(self.content()))
    }

    /// The text for people to read; `None` when the mail has only HTML or only attachments. Where text and HTML parts follow
    /// one another, the HTML ones are put into text.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        if self.bare {
            return Some(String::from_utf8_lossy(self.raw));
        }
        let root = self.content().root();
        root.text_body()
            .any(|part| matches!(part.kind(), PartKind::Text))
            .then(|| joined(root.text_bodies()))
    }

    /// The HTML; `None` when the mail has none. Where text and HTML parts follow one another, the text ones are put into HTML.
    #[must_use]
    pub fn html(&self) -> Option<Cow<'_, str>> {
        let root = self.content().root();
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

    /// All attachments in their order: every part that is not text or HTML to be read, inline images and nested mails with them. In
    /// place of a winmail.dat the files in it; a signature is none.
    #[must_use]
    pub fn attachments(&self) -> Vec<Attachment<'_>> {
        let mut names = Names::default();
        let attachment = |file| match file {
            &File::Part(id) => Some(Attachment::new(self.content().part(id)?, &mut names)),
            File::Packed(packed) => Some(Attachment::packed(packed, &mut names)),
        };
        self.files.iter().filter_map(attachment).collect()
    }
}

fn files(message: &Message<'_>) -> Vec<File> {
    let unpacked = |part: MessagePart<'_>| {
        let packed = is_winmail(&part).then(|| tnef::files(&part.decoded())).flatten();
        match packed {
            Some(files) => files.into_iter().map(File::Packed).collect(),
            None => vec![File::Part(part.id())],
        }
    };
    file_parts(message.root()).flat_map(unpacked).collect()
}

/// The leaves of a mail itself (not of mails inside it) that are neither text or HTML to be read nor a signature.
pub(super) fn file_parts<'m>(message: MessageRef<'m>) -> impl Iterator<Item = MessagePart<'m>> {
    let is_file = |part: &MessagePart<'_>| match part.kind() {
        PartKind::Multipart => false,
        PartKind::Text | PartKind::Html => part.is_attachment() || part.role() == PartRole::Dropped,
        PartKind::Binary | PartKind::InlineBinary | PartKind::Message(_) => of_signature(part).is_none(),
    };
    message.parts().filter(is_file)
}

pub(super) fn joined<'m>(mut pieces: impl Iterator<Item = Cow<'m, str>>) -> Cow<'m, str> {
    let mut text = pieces.next().unwrap_or_default();
    for piece in pieces {
        let text = text.to_mut();
        text.push('\n');
        text.push_str(&piece);
    }
    text
}

pub(super) fn addresses<'m>(lists: impl Iterator<Item = AddressList<'m>>) -> Vec<Address> {
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
pub(super) fn date(parsed: Option<mail_parser::DateTime>, headers: Headers<'_>) -> Option<DateTime<Utc>> {
    let parsed = parsed.filter(mail_parser::DateTime::is_valid);
    parsed
        .and_then(|date| DateTime::from_timestamp(date.to_timestamp(), 0))
        .or_else(|| {
            let written = headers.get("Date")?.raw_value();
            let written = str::from_utf8(written).ok()?.trim();
            Some(DateTime::parse_from_rfc2822(written).ok()?.to_utc())
        })
}
