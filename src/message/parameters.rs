//! Parameters of Content-Type and Content-Disposition (RFC 2045 section 5.1, RFC 2231), as mail programs write them. Pure.
//!
//! Names of files are what this is about, so a value is read as the one who wrote it meant it: without quotes it goes on to the next
//! parameter, blanks and all; a backslash escapes only quotes and itself, since people write paths; encoded words are decoded.

use std::borrow::Cow;

use super::{
    charset::{CharsetHints, decode},
    words,
};

/// Parameters of a field, and sections of one, that are read.
const MOST: usize = 200;
/// Bytes of a field that are read.
const LONGEST: usize = 64 * 1024;

/// The parameters of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameters<'v> {
    /// Names in lower case, and values without quotes.
    all: Vec<(String, Cow<'v, [u8]>)>,
}

impl<'v> Parameters<'v> {
    /// Reads a field's value, with what stands before the first `;`.
    pub(super) fn read(value: &'v [u8]) -> Self {
        let mut rest = after_value(value.get(..LONGEST).unwrap_or(value));
        let mut all: Vec<(String, Cow<'v, [u8]>)> = Vec::new();
        while let Some((name, after)) = name(rest) {
            let (value, after) = one_value(after);
            all.push((name, value));
            rest = after;
            if all.len() >= MOST {
                break;
            }
        }
        Self { all }
    }

    /// A parameter, decoded; the extended form counts where there is one (RFC 6266 section 4.3 says so for `filename`).
    pub(super) fn get(&self, name: &str, clues: CharsetHints<'_>) -> Option<String> {
        self.extended(name, clues).or_else(|| self.plain(name, clues))
    }

    /// `name*` or, in sections, `name*0*`, `name*1` …
    fn extended(&self, name: &str, clues: CharsetHints<'_>) -> Option<String> {
        let mut sections: Vec<(usize, bool, &[u8])> = self
            .all
            .iter()
            .filter_map(|(found, value)| {
                let rest = found.strip_prefix(name)?.strip_prefix('*')?;
                let (number, encoded) = rest
                    .strip_suffix('*')
                    .map_or((rest, rest.is_empty()), |number| (number, true));
                let number = if number.is_empty() { 0 } else { number.parse().ok()? };
                Some((number, encoded, &**value))
            })
            .collect();
        // The first of each number counts.
        sections.sort_by_key(|(number, ..)| *number);
        sections.dedup_by_key(|(number, ..)| *number);
        let encoded = sections.iter().any(|(_, encoded, _)| *encoded);
        let (_, first_encoded, first) = sections.first()?;
        let (charset, first) = if *first_encoded {
            charset_of(first)
        } else {
            (None, *first)
        };
        let mut bytes = Vec::new();
        for (place, (_, encoded, value)) in sections.iter().enumerate() {
            let value = if place == 0 { first } else { value };
            if *encoded {
                unescape(&mut bytes, value);
            } else {
                bytes.extend_from_slice(value);
            }
        }
        let text = if encoded {
            let declared = charset.or(clues.declared);
            decode(&bytes, CharsetHints { declared, ..clues }).into_owned()
        } else {
            words::text(&bytes, clues)
        };
        Some(text).filter(|text| !text.trim().is_empty())
    }

    fn plain(&self, name: &str, clues: CharsetHints<'_>) -> Option<String> {
        let (_, value) = self.all.iter().find(|(found, _)| found == name)?;
        let text = words::text(value, clues);
        Some(text).filter(|text| !text.trim().is_empty())
    }
}

/// The boundary that a Content-Type announces, as bytes.
pub(super) fn boundary(value: &[u8]) -> Option<Vec<u8>> {
    let parameters = Parameters::read(value);
    let found = parameters.all.into_iter().find(|(name, _)| name == "boundary");
    found
        .map(|(_, value)| value.trim_ascii_end().to_vec())
        .filter(|value| !value.is_empty())
}

/// What follows the first `;`. A field that has only parameters begins with one.
fn after_value(value: &[u8]) -> &[u8] {
    match value.iter().position(|byte| *byte == b';') {
        Some(at) => value.get(at..).unwrap_or_default(),
        None => &[],
    }
}

/// The next parameter's name, and what follows its `=`.
fn name(bytes: &[u8]) -> Option<(String, &[u8])> {
    let mut rest = bytes;
    loop {
        let begin = rest
            .iter()
            .position(|byte| *byte != b';' && !byte.is_ascii_whitespace())?;
        rest = rest.get(begin..)?;
        if let Some(found) = name_here(rest) {
            return Some(found);
        }
        rest = rest.get(rest.iter().position(|byte| *byte == b';')?..)?;
    }
}

/// The name that begins here, if one does: a token and its `=`.
fn name_here(bytes: &[u8]) -> Option<(String, &[u8])> {
    let bytes = bytes.trim_ascii_start();
    let length = bytes.iter().position(|byte| !is_name(*byte))?;
    let (name, rest) = bytes.split_at_checked(length)?;
    let rest = rest.trim_ascii_start().strip_prefix(b"=")?;
    let name = str::from_utf8(name).ok().filter(|name| !name.is_empty())?;
    Some((name.to_ascii_lowercase(), rest))
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'*' | b'.')
}

/// A value without its quotes and folding, and what follows it.
fn one_value(bytes: &[u8]) -> (Cow<'_, [u8]>, &[u8]) {
    let bytes = bytes.trim_ascii_start();
    if let Some(inside) = bytes.strip_prefix(b"\"") {
        let end = end_of_quoted(inside);
        let (content, rest) = inside.split_at_checked(end).unwrap_or((inside, &[]));
        return (without_escapes(content), rest.strip_prefix(b"\"").unwrap_or(rest));
    }
    // A `;` that no parameter follows belongs to the name of a file.
    let ends = |at: &usize| {
        bytes.get(*at) == Some(&b';') && {
            let after = bytes.get(at + 1..).unwrap_or_default();
            after.trim_ascii().is_empty() || name_here(after).is_some()
        }
    };
    let end = bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b';')
        .take(MOST)
        .map(|(at, _)| at)
        .find(ends);
    let (value, rest) = bytes
        .split_at_checked(end.unwrap_or(bytes.len()))
        .unwrap_or((bytes, &[]));
    let value = value.trim_ascii();
    let single = value.strip_prefix(b"'").and_then(|value| value.strip_suffix(b"'"));
    (without_folding(single.unwrap_or(value)), rest)
}

/// A quote ends a value where the field or a `;` follows it; one in the midst of a name does not. Where there is none that does, the first.
fn end_of_quoted(inside: &[u8]) -> usize {
    let (mut escaped, mut first) = (false, None);
    for (at, byte) in inside.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if matches!(inside.get(at + 1), Some(b'"')) => {
                // `"C:\"`: the last quote of a field is its end.
                escaped = inside.get(at + 2..).unwrap_or_default().contains(&b'"');
            }
            b'"' => {
                first = first.or(Some(at));
                let after = inside.get(at + 1..).unwrap_or_default().trim_ascii_start();
                if after.is_empty() || after.starts_with(b";") || after.starts_with(b"(") || name_here(after).is_some()
                {
                    return at;
                }
            }
            _ => {}
        }
    }
    first.unwrap_or(inside.len())
}

fn without_escapes(content: &[u8]) -> Cow<'_, [u8]> {
    if !content.contains(&b'\\') {
        return without_folding(content);
    }
    let mut bytes = Vec::with_capacity(content.len());
    let mut rest = content;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after.first()) {
            (b'\\', Some(next @ (b'"' | b'\\'))) => {
                bytes.push(*next);
                rest = after.get(1..).unwrap_or_default();
            }
            _ => bytes.push(byte),
        }
    }
    Cow::Owned(without_folding(&bytes).into_owned())
}

/// A fold, with all blanks around it, stands for one blank; in a name that has none elsewhere, it stands for nothing but the fold itself.
fn without_folding(content: &[u8]) -> Cow<'_, [u8]> {
    if !content.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
        return Cow::Borrowed(content);
    }
    let mut bytes: Vec<u8> = Vec::with_capacity(content.len());
    for line in content.split(|byte| matches!(byte, b'\r' | b'\n')) {
        let line = if bytes.is_empty() {
            line
        } else {
            line.trim_ascii_start()
        };
        if line.is_empty() {
            continue;
        }
        if !bytes.is_empty() && !bytes.ends_with(b" ") {
            bytes.push(b' ');
        }
        bytes.extend_from_slice(line);
    }
    Cow::Owned(bytes)
}

/// The charset before the two quotes of an extended value, and the value. Some programs leave the quotes out.
fn charset_of(value: &[u8]) -> (Option<&str>, &[u8]) {
    let mut parts = value.splitn(3, |byte| *byte == b'\'');
    let (Some(charset), Some(_language), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return (None, value);
    };
    let charset = str::from_utf8(charset).ok();
    match charset {
        Some(charset) if charset.len() <= 40 && charset.bytes().all(|byte| byte.is_ascii_graphic()) => {
            (Some(charset).filter(|charset| !charset.is_empty()), rest)
        }
        _ => (None, value),
    }
}

/// Percent signs that are followed by two digits stand for a byte.
fn unescape(bytes: &mut Vec<u8>, value: &[u8]) {
    let mut rest = value;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let escaped = after.first_chunk::<2>().filter(|_| byte == b'%').and_then(|digits| {
            let digits = str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))
        });
        match escaped {
            Some(escaped) => {
                bytes.push(escaped);
                rest = after.get(2..).unwrap_or_default();
            }
            None => bytes.push(byte),
        }
    }
}

#[cfg(test)]
#[path = "parameters_tests.rs"]
mod tests;
