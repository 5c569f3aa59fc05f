//! The addresses of a header field (RFC 5322 section 3.4), as people write them: with names in or without quotes, comments, groups,
//! routes, and with separators that belong elsewhere. Pure, and of linear cost.
//!
//! What an address *proves* is another matter: see [`super::identity`].

use super::{Address, charset::CharsetHints, clean::clean, words};

/// Addresses of a field that are kept.
const MOST: usize = 1_000;
/// Characters kept of a name or an address.
const LONGEST: usize = 1_000;
/// Comments in comments that are followed.
const DEEPEST: usize = 20;
/// Bytes of a field that are read, and in which the end of a name, comment or address is looked for.
const FIELD: usize = 128 * 1024;
const FAR: usize = 4 * 1024;

/// The addresses of a field, as it stands in the mail.
pub(super) fn parse(value: &[u8], clues: CharsetHints<'_>) -> Vec<Address> {
    let mut found = Vec::new();
    let mut item = AddressItem::default();
    let mut rest = value.get(..FIELD).unwrap_or(value);
    while found.len() < MOST {
        let Some((token, after)) = token(rest) else { break };
        rest = after;
        match token {
            FieldToken::Separator => found.extend(std::mem::take(&mut item).address(clues)),
            // What stands before is a group's name, where no address began.
            FieldToken::Group if !item.has_address() => item = AddressItem::default(),
            FieldToken::Group => item.push(FieldToken::Text(b":")),
            token => item.push(token),
        }
    }
    if found.len() < MOST {
        found.extend(item.address(clues));
    }
    found
}

/// A piece of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FieldToken<'v> {
    /// What is none of the following; encoded words, whatever is in them.
    Text(&'v [u8]),
    /// Blanks and folding.
    Blank,
    /// What was in quotes, as written.
    Quoted(&'v [u8]),
    /// What was in parentheses, as written.
    Comment(&'v [u8]),
    /// What was in angle brackets.
    Angle(&'v [u8]),
    /// `,` or `;`.
    Separator,
    /// `:`.
    Group,
}

fn token(bytes: &[u8]) -> Option<(FieldToken<'_>, &[u8])> {
    let (&first, after) = bytes.split_first()?;
    let cut = |at: usize| after.split_at_checked(at).unwrap_or((after, &[]));
    // What closes it goes with it; where that is missing, what follows is left.
    let closed = |at: usize, by: u8| {
        let (content, rest) = cut(at);
        (content, rest.strip_prefix(&[by]).unwrap_or(rest))
    };
    Some(match first {
        b',' | b';' => (FieldToken::Separator, after),
        b':' => (FieldToken::Group, after),
        b' ' | b'\t' | b'\r' | b'\n' => {
            let end = after
                .iter()
                .position(|b| !b.is_ascii_whitespace())
                .unwrap_or(after.len());
            (FieldToken::Blank, cut(end).1)
        }
        b'"' => {
            let (content, rest) = closed(end_of_quoted(after), b'"');
            (FieldToken::Quoted(content), rest)
        }
        b'(' => {
            let (content, rest) = closed(end_of_comment(after), b')');
            (FieldToken::Comment(content), rest)
        }
        b'<' => {
            let (content, rest) = closed(end_of_angle(after), b'>');
            (FieldToken::Angle(content), rest)
        }
        b'[' => {
            let near = after.get(..FAR).unwrap_or(after);
            let closed = near.iter().position(|b| matches!(b, b']' | b'<' | b'\n'));
            let end = closed.filter(|at| near.get(*at) == Some(&b']')).map_or(0, |at| at + 1);
            (FieldToken::Text(bytes.get(..=end)?), bytes.get(end + 1..)?)
        }
        _ => {
            let length = words::length(bytes).unwrap_or_else(|| {
                let inside = bytes.get(1..).unwrap_or_default();
                let ends = |at: &usize| {
                    let here = inside.get(*at..).unwrap_or_default();
                    matches!(
                        here.first(),
                        Some(b',' | b';' | b':' | b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'(' | b'<' | b'[')
                    ) || here.starts_with(b"=?")
                };
                1 + (0..inside.len()).find(ends).unwrap_or(inside.len())
            });
            let (text, rest) = bytes.split_at_checked(length)?;
            (FieldToken::Text(text), rest)
        }
    })
}

/// A quoted string ends at its quote. Where that is missing, at the address that follows.
fn end_of_quoted(bytes: &[u8]) -> usize {
    let mut escaped = false;
    let mut angle = None;
    for (at, byte) in bytes.iter().enumerate().take(FAR) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at,
            b'<' if angle.is_none() => angle = Some(at),
            _ => {}
        }
    }
    angle.unwrap_or(bytes.len().min(FAR))
}

fn end_of_comment(bytes: &[u8]) -> usize {
    let (mut depth, mut escaped) = (0, false);
    for (at, byte) in bytes.iter().enumerate().take(FAR) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'(' if depth < DEEPEST => depth += 1,
            b')' if depth == 0 => return at,
            b')' => depth -= 1,
            _ => {}
        }
    }
    // One that has no end hides no address.
    let near = bytes.get(..FAR).unwrap_or(bytes);
    near.iter()
        .position(|byte| matches!(byte, b'<' | b','))
        .unwrap_or(near.len())
}

/// `>` ends an address, outside of quotes; where it is missing, the next address begins at `,` or ends with the field.
fn end_of_angle(bytes: &[u8]) -> usize {
    let mut quoted = false;
    for (at, byte) in bytes.iter().enumerate().take(FAR) {
        match byte {
            b'"' => quoted = !quoted,
            b'>' if !quoted => return at,
            _ => {}
        }
    }
    let near = bytes.get(..FAR).unwrap_or(bytes);
    near.iter()
        .position(|byte| matches!(byte, b'>' | b','))
        .unwrap_or(near.len())
}

/// What stands between two separators.
#[derive(Debug, Default)]
struct AddressItem<'v> {
    /// What stands before the address.
    words: Vec<FieldToken<'v>>,
    angle: Option<&'v [u8]>,
    comments: Vec<&'v [u8]>,
}

impl<'v> AddressItem<'v> {
    fn push(&mut self, token: FieldToken<'v>) {
        match token {
            FieldToken::Comment(comment) => {
                self.comments.push(comment);
                self.words.push(FieldToken::Blank);
            }
            FieldToken::Angle(address) if self.angle.is_none() || !is_address(self.angle.unwrap_or_default()) => {
                self.angle = Some(address)
            }
            // What follows the address is none of its name.
            _ if self.angle.is_some() => {}
            token if self.words.len() < MOST => self.words.push(token),
            _ => {}
        }
    }

    fn has_address(&self) -> bool {
        self.angle.is_some()
            || self
                .words
                .iter()
                .any(|word| matches!(word, FieldToken::Text(text) if text.contains(&b'@')))
    }

    fn address(mut self, clues: CharsetHints<'_>) -> Option<Address> {
        let address = match self.angle.take() {
            Some(angle) => bare(angle),
            None => self.bare_address(),
        };
        let name = self.name(clues);
        let name = clean(name.trim(), LONGEST);
        let address = clean(&String::from_utf8_lossy(&address), LONGEST);
        let name = Some(name).filter(|name| !name.is_empty());
        (name.is_some() || !address.is_empty()).then_some(Address { name, address })
    }

    /// The address without brackets: all of it, or the last word that looks like one.
    fn bare_address(&mut self) -> Vec<u8> {
        let written = |words: &[FieldToken<'_>]| {
            let mut bytes = Vec::new();
            for word in words {
                match word {
                    FieldToken::Quoted(text) => bytes.extend([b"\"", *text, b"\""].concat()),
                    FieldToken::Text(text) => bytes.extend_from_slice(text),
                    _ => {}
                }
            }
            bytes
        };
        let is_blank = |word: &FieldToken<'_>| matches!(word, FieldToken::Blank);
        let at_sign = self
            .words
            .iter()
            .rposition(|word| matches!(word, FieldToken::Text(text) if text.contains(&b'@')));
        let Some(place) = at_sign else {
            // A name without an address, or an address without a domain.
            let single = self.words.iter().filter(|word| !is_blank(word)).count() == 1;
            let plain = self
                .words
                .iter()
                .any(|word| matches!(word, FieldToken::Text(text) if !text.starts_with(b"=?")));
            return if single && plain {
                written(&std::mem::take(&mut self.words))
            } else {
                Vec::new()
            };
        };
        let begin = self
            .words
            .get(..place)
            .and_then(|before| before.iter().rposition(is_blank))
            .map_or(0, |at| at + 1);
        let end = self
            .words
            .get(place..)
            .and_then(|rest| rest.iter().position(is_blank))
            .map_or(self.words.len(), |at| place + at);
        let whole = self.words.get(begin..end).map(written).unwrap_or_default();
        // `ann @ a.example`: blanks that RFC 822 allowed.
        if is_address(&whole) {
            self.words.drain(begin..end);
            return whole;
        }
        written(&std::mem::take(&mut self.words))
    }

    /// The words before the address; where there are none, the comment.
    fn name(&self, clues: CharsetHints<'_>) -> String {
        let spoken = self.words.iter().position(|word| *word != FieldToken::Blank);
        let last = self.words.iter().rposition(|word| *word != FieldToken::Blank);
        let (Some(first), Some(last)) = (spoken, last) else {
            let comment = self
                .comments
                .iter()
                .rev()
                .find(|comment| !comment.trim_ascii().is_empty());
            return comment
                .map(|comment| words::text(&unescaped(comment), clues))
                .unwrap_or_default();
        };
        let mut written = Vec::new();
        for (place, word) in self.words.iter().enumerate().take(last + 1).skip(first) {
            match word {
                FieldToken::Text(text) => written.extend_from_slice(text),
                // A nickname among other words keeps its quotes: people wrote them to be seen.
                FieldToken::Quoted(text) if place > first && place < last => {
                    written.extend([b"\"", unescaped(text).as_slice(), b"\""].concat())
                }
                FieldToken::Quoted(text) => written.extend(unescaped(text)),
                _ => written.push(b' '),
            }
        }
        words::text(&written, clues)
    }
}

/// What is in angle brackets, without a route (RFC 5322 section 4.4), comments and folding.
fn bare(angle: &[u8]) -> Vec<u8> {
    let routed = angle.trim_ascii().strip_prefix(b"@").and_then(|route| {
        let colon = route.iter().position(|byte| *byte == b':')?;
        route.get(colon + 1..)
    });
    let mut bytes = Vec::new();
    let mut rest = routed.unwrap_or(angle);
    while let Some((token, after)) = token(rest) {
        match token {
            FieldToken::Quoted(text) => bytes.extend([b"\"", text, b"\""].concat()),
            FieldToken::Text(text) | FieldToken::Angle(text) => bytes.extend_from_slice(text),
            FieldToken::Separator => bytes.push(b','),
            FieldToken::Group => {
                // `<mailto:ann@a.example>`.
                if bytes.eq_ignore_ascii_case(b"mailto") {
                    bytes.clear();
                } else {
                    bytes.push(b':');
                }
            }
            FieldToken::Blank | FieldToken::Comment(_) => {}
        }
        rest = after;
    }
    bytes
}

fn is_address(bytes: &[u8]) -> bool {
    let at = bytes.iter().rposition(|byte| *byte == b'@');
    at.is_some_and(|at| at > 0 && at + 1 < bytes.len())
}

/// Without the backslashes of quoted pairs, and without folding.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut escaped = false;
    for &byte in text {
        match byte {
            b'\\' if !escaped => {
                escaped = true;
                continue;
            }
            b'\r' | b'\n' => {}
            _ => bytes.push(byte),
        }
        escaped = false;
    }
    bytes
}

#[cfg(test)]
#[path = "mailboxes_tests.rs"]
mod tests;
