//! What people see of a message: its text and HTML, who wrote it to whom, its files. Pure.
//!
//! mail-parser tells the parts apart; what it takes for files although mail programs show them is put right here, and every
//! character is decoded by [`super::charset`].

use std::borrow::Cow;

use mail_parser::{
    MessagePart, MessageRef, PartId, PartKind, PartRole,
    decoders::html::{html_to_text, text_to_html},
};

use super::{
    Address,
    charset::{CharsetHints, decode, is_guess},
    clean::clean,
    date::{self, WrittenDate},
    flowed, mailboxes,
    parameters::Parameters,
    sealed::of_signature,
    transfer, uu, words,
};

/// Addresses kept of the fields of one name.
const MOST: usize = 1_000;

/// What was found out of a message, once.
#[derive(Debug, Default)]
pub(super) struct MessageScan {
    /// The last label of the sender's domain.
    country: Option<String>,
    /// The charset of its text.
    nearby: Option<String>,
    /// The parts that are shown as text, and those that are shown as HTML.
    text: Vec<PartId>,
    html: Vec<PartId>,
    /// Texts without the files that were in them.
    cut: Vec<(PartId, Vec<u8>)>,
}

impl MessageScan {
    pub(super) fn of(message: MessageRef<'_>) -> Self {
        let (text, html) = shown(message);
        let mut seen = Self {
            text,
            html,
            ..Self::default()
        };
        let parts = parts_of(message, &seen.text)
            .into_iter()
            .chain(parts_of(message, &seen.html));
        seen.nearby = parts.into_iter().find_map(|part| charset_of(&part));
        let from = message.headers().get("From");
        let from = from
            .map(|from| mailboxes::parse(from.raw_value(), CharsetHints::default()))
            .unwrap_or_default();
        seen.country = from.first().and_then(|from| country(&from.address));
        seen
    }

    /// Takes the files in uuencode out of the texts.
    pub(super) fn take_files(&mut self, message: MessageRef<'_>) -> Vec<uu::UuFile> {
        let mut taken = Vec::new();
        for part in parts_of(message, &self.text).into_iter().filter(is_plain) {
            let body = transfer::body(&part).bytes;
            if let Some((left, files)) = uu::in_text(&body) {
                self.cut.push((part.id(), left));
                taken.extend(files);
            }
        }
        taken
    }
}

/// A message as people see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'m> {
    message: MessageRef<'m>,
    seen: &'m MessageScan,
}

impl<'m> View<'m> {
    pub(super) fn new(message: MessageRef<'m>, seen: &'m MessageScan) -> Self {
        Self { message, seen }
    }

    /// What is known of the characters of a header.
    pub(super) fn clues(&self) -> CharsetHints<'m> {
        CharsetHints {
            nearby: self.seen.nearby.as_deref(),
            country: self.seen.country.as_deref(),
            ..CharsetHints::default()
        }
    }

    /// Decoded, on one line. Of several, the last counts: it is the one that a signature covers (RFC 6376 section 5.4.2).
    pub(super) fn subject(&self) -> String {
        let field = self.message.headers().get("Subject");
        field
            .map(|field| words::text(field.raw_value(), self.clues()))
            .unwrap_or_default()
    }

    /// The addresses of all fields of this name, in their order.
    pub(super) fn addresses(&self, name: &str) -> Vec<Address> {
        let fields = self.message.headers().all(name);
        let all = fields.flat_map(|field| mailboxes::parse(field.raw_value(), self.clues()));
        all.take(MOST).collect()
    }

    /// When it says that it was written.
    pub(super) fn written(&self) -> WrittenDate {
        date::read(self.message.headers().get("Date").map(|field| field.raw_value()))
    }

    /// The text for people to read; nothing when there is only HTML. Where text and HTML parts follow one another, the HTML ones are
    /// put into text.
    pub(super) fn text(&self) -> Option<Cow<'m, str>> {
        let mut parts = parts_of(self.message, &self.seen.text).into_iter();
        parts
            .any(|part| is_plain(&part))
            .then(|| self.joined(&self.seen.text, false))
    }

    /// The HTML; nothing when there is none. Where text and HTML parts follow one another, the text ones are put into HTML.
    pub(super) fn html(&self) -> Option<Cow<'m, str>> {
        let mut parts = parts_of(self.message, &self.seen.html).into_iter();
        parts
            .any(|part| is_html(&part))
            .then(|| self.joined(&self.seen.html, true))
    }

    /// What there is to read, as text: HTML where there is nothing else.
    pub(super) fn readable(&self) -> Cow<'m, str> {
        let ids = if self.seen.text.is_empty() {
            &self.seen.html
        } else {
            &self.seen.text
        };
        self.joined(ids, false)
    }

    /// The charset that a shown text is said to have and that is not known here, where it matters.
    pub(super) fn unknown_charset(&self) -> Option<String> {
        let shown = [&self.seen.text, &self.seen.html];
        let parts = shown.into_iter().flat_map(|ids| parts_of(self.message, ids));
        parts
            .filter_map(|part| Some((charset_of(&part)?, part)))
            .find(|(declared, part)| is_guess(|| transfer::body(part).bytes, declared))
            .map(|(declared, _)| declared)
    }

    /// The leaves that are neither shown nor a signature, nor of no content for people.
    pub(super) fn files(&self) -> impl Iterator<Item = MessagePart<'m>> + use<'m> {
        let seen = self.seen;
        let is_shown = move |part: &MessagePart<'m>| seen.text.contains(&part.id()) || seen.html.contains(&part.id());
        self.message
            .parts()
            .filter(move |part| is_file(part) && !is_shown(part))
    }

    fn joined(&self, ids: &[PartId], as_html: bool) -> Cow<'m, str> {
        let mut pieces = parts_of(self.message, ids)
            .into_iter()
            .filter(MessagePart::is_text)
            .map(|part| {
                let text = self.decoded(&part);
                match (is_html(&part), as_html) {
                    (true, false) => Cow::Owned(html_to_text(&text)),
                    (false, true) => Cow::Owned(text_to_html(&text)),
                    _ => text,
                }
            });
        let mut text = pieces.next().unwrap_or_default();
        for piece in pieces {
            let text = text.to_mut();
            text.push('\n');
            text.push_str(&piece);
        }
        text
    }

    /// The characters of a part, without the files that were in it.
    fn decoded(&self, part: &MessagePart<'m>) -> Cow<'m, str> {
        let content_type = part.headers().get("Content-Type");
        let parameters = content_type.map(|field| Parameters::read(field.raw_value()));
        let parameter = |name| {
            parameters
                .as_ref()
                .and_then(|parameters| parameters.get(name, CharsetHints::default()))
        };
        let declared = parameter("charset");
        let clues = CharsetHints {
            declared: declared.as_deref(),
            html: is_html(part),
            country: self.seen.country.as_deref(),
            nearby: None,
        };
        let cut = self.seen.cut.iter().find(|(id, _)| *id == part.id());
        let bytes = cut.map_or_else(
            || transfer::body(part).bytes,
            |(_, left)| Cow::Borrowed(left.as_slice()),
        );
        let text = match bytes {
            Cow::Borrowed(bytes) => decode(bytes, clues),
            Cow::Owned(bytes) => match String::from_utf8(bytes) {
                // What is UTF-8 needs no copy.
                Ok(text) if !text.is_ascii() && !text.starts_with('\u{feff}') => Cow::Owned(text),
                Ok(text) => Cow::Owned(decode(text.as_bytes(), clues).into_owned()),
                Err(error) => Cow::Owned(decode(error.as_bytes(), clues).into_owned()),
            },
        };
        let flows =
            is_plain(part) && parameter("format").is_some_and(|format| format.trim().eq_ignore_ascii_case("flowed"));
        if !flows {
            return text;
        }
        let delete_space = parameter("delsp").is_some_and(|said| said.trim().eq_ignore_ascii_case("yes"));
        Cow::Owned(flowed::unfold(&text, delete_space))
    }
}

fn parts_of<'m>(message: MessageRef<'m>, ids: &[PartId]) -> Vec<MessagePart<'m>> {
    message.parts().filter(|part| ids.contains(&part.id())).collect()
}

/// The name that a part's header gives it: that of Content-Disposition, else that of Content-Type.
pub(super) fn name(part: &MessagePart<'_>, clues: CharsetHints<'_>) -> Option<String> {
    let parameter = |field: &str, name: &str| {
        let field = part.headers().get(field)?;
        Parameters::read(field.raw_value()).get(name, clues)
    };
    parameter("Content-Disposition", "filename")
        .or_else(|| parameter("Content-Type", "name"))
        // What some programs mix up.
        .or_else(|| parameter("Content-Disposition", "name"))
        .or_else(|| parameter("Content-Type", "filename"))
}

pub(super) fn charset_of(part: &MessagePart<'_>) -> Option<String> {
    let field = part.headers().get("Content-Type")?;
    let charset = Parameters::read(field.raw_value()).get("charset", CharsetHints::default())?;
    Some(clean(&charset, 100)).filter(|charset| !charset.is_empty())
}

fn country(address: &str) -> Option<String> {
    let (_, domain) = address.rsplit_once('@')?;
    let (_, last) = domain.trim_end_matches('.').rsplit_once('.')?;
    Some(last.to_ascii_lowercase())
}

fn is_plain(part: &MessagePart<'_>) -> bool {
    matches!(part.kind(), PartKind::Text)
}

fn is_html(part: &MessagePart<'_>) -> bool {
    matches!(part.kind(), PartKind::Html)
}

fn is_file(part: &MessagePart<'_>) -> bool {
    match part.kind() {
        PartKind::Multipart => false,
        PartKind::Text | PartKind::Html => {
            part.is_attachment() || part.role() == PartRole::Dropped || !transfer::is_readable(part)
        }
        PartKind::Binary | PartKind::InlineBinary => of_signature(part).is_none() && !is_empty_multipart(part),
        PartKind::Message(_) => true,
    }
}

/// A multipart that was announced and has no parts.
fn is_empty_multipart(part: &MessagePart<'_>) -> bool {
    let is_multipart = part
        .content_type()
        .is_some_and(|declared| declared.ctype().eq_ignore_ascii_case("multipart"));
    is_multipart && part.raw_body().trim_ascii().is_empty()
}

/// Whether a part says that it is to be saved, not shown.
fn is_attached(part: &MessagePart<'_>) -> bool {
    part.headers().get("Content-Disposition").is_some_and(|field| {
        let value = field.raw_value().trim_ascii();
        value
            .get(..10)
            .is_some_and(|word| word.eq_ignore_ascii_case(b"attachment"))
    })
}

/// Whether a part is meant to be shown inside the HTML: by what it says, or as a picture beside its page that the page can name.
pub(super) fn is_inline(part: &MessagePart<'_>) -> bool {
    let beside = part
        .parent()
        .is_some_and(|parent| parent.is_content_type("multipart", "related"));
    part.is_inline() || beside && part.content_id().is_some() && !is_attached(part)
}

/// The parts that mail programs show, as text and as HTML, in their order.
///
/// To mail-parser's lists (RFC 8621 section 4.1.4) come the alternatives that have a name, and the page of a `multipart/related` that
/// does not stand first in it.
fn shown(message: MessageRef<'_>) -> (Vec<PartId>, Vec<PartId>) {
    // Pictures among the texts are files all the same.
    let is_shown = |part: &MessagePart<'_>| part.is_text() && transfer::is_readable(part);
    let mut text: Vec<_> = message.text_body().filter(is_shown).map(|part| part.id()).collect();
    let mut html: Vec<_> = message.html_body().filter(is_shown).map(|part| part.id()).collect();
    let multiparts = message.parts().filter(MessagePart::is_multipart);
    for multipart in multiparts.filter(|part| !is_inside_file(part)) {
        let alternative = multipart.is_content_type("multipart", "alternative");
        let related = multipart.is_content_type("multipart", "related");
        if !alternative && !related {
            continue;
        }
        let candidates = || {
            multipart
                .children()
                .filter(|child| child.is_text() && !is_attached(child) && is_shown(child))
        };
        for (is_kind, list, other) in [(is_plain as fn(&MessagePart<'_>) -> bool, 0, 1), (is_html, 1, 0)] {
            let lists = [&mut text, &mut html];
            let has = multipart.children().any(|child| {
                holds(&child, &|part| {
                    is_kind(part) && lists.get(list).is_some_and(|list| list.contains(&part.id()))
                })
            });
            let Some(page) = candidates().filter(is_kind).find(|_| !has) else {
                continue;
            };
            // A text beside the page of a `related` is a file of it.
            if related && is_plain(&page) {
                continue;
            }
            let siblings: Vec<_> = multipart.children().map(|child| child.id()).collect();
            let mut lists = lists;
            if let Some(list) = lists.get_mut(list) {
                // What stood in for it stands back.
                list.retain(|id| !siblings.contains(id));
                list.push(page.id());
                list.sort_unstable();
            }
            if let Some(other) = lists.get_mut(other)
                && alternative
            {
                other.retain(|id| *id != page.id());
            }
            if related && text.is_empty() && is_html(&page) {
                text.push(page.id());
            }
        }
    }
    (text, html)
}

/// Whether a part or one inside it is such.
fn holds(part: &MessagePart<'_>, is: &impl Fn(&MessagePart<'_>) -> bool) -> bool {
    is(part) || part.children().any(|child| holds(&child, is))
}

/// Whether a multipart is said to be saved, or lies in one that is.
fn is_inside_file(part: &MessagePart<'_>) -> bool {
    is_attached(part) || part.parent().is_some_and(|parent| is_inside_file(&parent))
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
