//! The view of a mail that decisions and payloads are made from. Bodies and attachments are decoded when they are asked for.

use std::{borrow::Cow, sync::OnceLock};

use mail_parser::{Message, MessagePart, PartId, TextList, decoders::html::html_to_text};

use super::{
    Address, Attachment, Head, auto,
    charset::{CharsetHints, decode},
    clean::{clean, clean_id, lossy},
    encoded_words,
    identity::{self, InvalidFrom},
    language,
    safe_name::Names,
    sealed::{Scheme, encryption, is_winmail, piece, signature},
    tnef::{self, Packed, TnefText},
    transfer,
    trust::{self, Sender},
    view::{MessageScan, View},
};
use crate::config::Trust;

/// Characters kept of a subject.
const MAX_SUBJECT: usize = 4_000;
/// Characters kept of an address, and addresses of what servers say of a delivery.
const MAX_NAME: usize = 1_000;
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
    /// What was found out of the mail, and of what is inside its signature.
    seen: MessageScan,
    seen_inside: Option<MessageScan>,
    files: Vec<MailFile>,
    /// The text and HTML of a winmail.dat, where the mail has none beside it.
    packed: TnefText,
    encrypted: Option<Scheme>,
    /// Whom From names, once it was asked.
    identity: OnceLock<Result<String, InvalidFrom>>,
}

/// What becomes an attachment.
#[derive(Debug)]
enum MailFile {
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
        let mut seen = MessageScan::of(content.root());
        let (files, packed) = if bare {
            Default::default()
        } else {
            files(content, &mut seen)
        };
        let encrypted = encryption(content).filter(|_| !bare);
        let (seen, seen_inside) = match &inner {
            Some(_) => (MessageScan::of(message.root()), Some(seen)),
            None => (seen, None),
        };
        Some(Self {
            raw,
            message,
            inner,
            bare,
            seen,
            seen_inside,
            files,
            packed,
            encrypted,
            identity: OnceLock::new(),
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
        let view = self.outside();
        let from = view.addresses("From");
        let fields = message.headers().into_iter();
        let automatic = auto::judge(fields.map(|field| (field.raw_name(), field.raw_value())), &from);
        let odd_from = self.named_by(&from).as_ref().err().copied();
        let written = view.written();
        Head {
            message_id: message.message_id().map(clean_id).filter(|id| !id.is_empty()),
            in_reply_to: ids(message.in_reply_to()),
            references: ids(message.references()),
            from,
            reply_to: view.addresses("Reply-To"),
            to: view.addresses("To"),
            cc: view.addresses("Cc"),
            delivered_to: delivered_to(message),
            subject: clean(&view.subject(), MAX_SUBJECT),
            date: written.instant(),
            date_note: written.note(),
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
    pub fn identity(&self) -> Result<String, InvalidFrom> {
        match self.identity.get() {
            Some(known) => known.clone(),
            None => self.named_by(&self.outside().addresses("From")).clone(),
        }
    }

    /// The same, by the addresses of From.
    fn named_by(&self, from: &[Address]) -> &Result<String, InvalidFrom> {
        self.identity.get_or_init(|| identity::judge(self.raw, from))
    }

    /// Who its sender is, and what shows it.
    #[must_use]
    pub fn sender(&self, trust: &Trust) -> Sender {
        let fields = self.message.headers().into_iter();
        let fields = fields.map(|field| (field.raw_name(), field.raw_value()));
        trust::sender(self.identity(), fields, trust)
    }

    /// The header's fields in their order: name, and value as it stands in the mail, with its line breaks. Bytes above 127 are read as
    /// those of the text are.
    pub fn fields(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        let clues = self.outside().clues();
        let fields = self.message.headers().into_iter();
        fields.map(move |field| (field.raw_name(), decode(field.raw_value(), clues)))
    }

    /// The bytes of the header's fields that are no UTF-8, as they stand in the mail.
    pub fn odd_fields(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let fields = self.message.headers().into_iter();
        let odd = fields.filter(|field| str::from_utf8(field.raw_value()).is_err());
        odd.map(|field| (field.raw_name(), field.raw_value()))
    }

    /// The first field of this name, with its encoded words decoded.
    pub(super) fn field(&self, name: &str) -> Option<String> {
        let mut fields = self.message.headers().into_iter();
        let field = fields.find(|field| field.raw_name().eq_ignore_ascii_case(name))?;
        Some(encoded_words::text(field.raw_value(), self.outside().clues()))
    }

    /// The parts of the mail as it came, and not those of mails inside it.
    pub(super) fn parts(&self) -> impl Iterator<Item = MessagePart<'_>> {
        self.message.root().parts()
    }

    /// The mail as it came, as people see it.
    fn outside(&self) -> View<'_> {
        View::new(self.message.root(), &self.seen)
    }

    /// What people read.
    fn inside(&self) -> View<'_> {
        View::new(self.content().root(), self.seen_inside.as_ref().unwrap_or(&self.seen))
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

    /// Which piece it is of a mail that was sent in several, e.g. `2 of 3`: then its content is no mail.
    #[must_use]
    pub fn piece(&self) -> Option<String> {
        piece(&self.message)
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
            return Some(decode(self.raw, CharsetHints::default()));
        }
        let packed = || self.packed.text.as_deref().map(Cow::Borrowed);
        self.inside()
            .text()
            .filter(|text| self.packed.text.is_none() || !text.trim().is_empty())
            .or_else(packed)
    }

    /// The HTML; `None` when the mail has none. Where text and HTML parts follow one another, the text ones are put into HTML.
    #[must_use]
    pub fn html(&self) -> Option<Cow<'_, str>> {
        self.inside()
            .html()
            .or_else(|| self.packed.html.as_deref().map(Cow::Borrowed))
    }

    /// What is to be known of the characters of text and HTML: that they were guessed.
    #[must_use]
    pub fn charset_note(&self) -> Option<String> {
        let declared = self.inside().unknown_charset().filter(|_| !self.bare)?;
        Some(format!(
            "the text says that its charset is {declared}, which is not known here: it was guessed"
        ))
    }

    /// What there is to read, as text: HTML where there is nothing else.
    #[must_use]
    pub fn readable(&self) -> Cow<'_, str> {
        let packed = || self.packed.html.as_deref().map(|html| Cow::Owned(html_to_text(html)));
        self.text().or_else(packed).unwrap_or_else(|| self.inside().readable())
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
        let clues = self.inside().clues();
        let attachment = |file| match file {
            &MailFile::Part(id) => Some(Attachment::new(self.content().part(id)?, clues, &mut names)),
            MailFile::Packed(packed) => Some(Attachment::packed(packed, &mut names)),
        };
        self.files.iter().filter_map(attachment).collect()
    }
}

/// What a mail has beside its text, and the text and HTML that were packed into one of its files.
fn files(message: &Message<'_>, seen: &mut MessageScan) -> (Vec<MailFile>, TnefText) {
    let mut body = TnefText::default();
    let mut files = Vec::new();
    let written = seen.take_files(message.root());
    for part in View::new(message.root(), seen).files() {
        let opened = is_winmail(&part)
            .then(|| tnef::open(&transfer::body(&part).bytes))
            .flatten();
        let Some(opened) = opened else {
            files.push(MailFile::Part(part.id()));
            continue;
        };
        // What could not be opened is still in it.
        if !opened.whole {
            files.push(MailFile::Part(part.id()));
        }
        files.extend(opened.files.into_iter().map(MailFile::Packed));
        body.text = body.text.or(opened.text);
        body.html = body.html.or(opened.html);
    }
    let view = View::new(message.root(), seen);
    files.extend(written.into_iter().map(|file| {
        let name = encoded_words::text(&file.name, view.clues());
        MailFile::Packed(Packed {
            name: Some(name),
            media_type: None,
            data: file.data,
        })
    }));
    (files, body)
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
        let value = lossy(field.raw_value()).into_owned();
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
