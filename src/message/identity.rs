//! Whom a mail's From names, where it names one and only one in a form that nobody can read in two ways. Pure.
//!
//! Mail programs disagree on what odd forms mean: two From fields, two addresses, routes, groups, quoted names of mailboxes, control
//! characters, encoded words with addresses inside. Whoever verified the one may have been shown another. Such a From names nobody.
//!
//! What all of them read alike names one address, though RFC 5322 would have it otherwise: a comment behind the address or in the name
//! (`ann@a.example (Ann)`, `Ann (ACME) <ann@a.example>`), brackets in the name, and a name that is the address itself. The rule: outside
//! of the address nothing may stand that could be read as another one, or as the end of a name: none of `@ < > " \ , ; :`, and
//! parentheses and brackets only in pairs, not in one another.

use std::borrow::Cow;

use super::{
    Address,
    clean::{is_unfit, lossy},
};
use crate::addr_spec::{is_plain, unquoted};

/// The longest From that is looked at, in bytes.
const LONGEST: usize = 2_000;

/// Why From names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidFrom {
    /// There is no From, or it is empty.
    Missing,
    /// There are several From fields.
    Fields,
    /// There are several addresses, or a list.
    Addresses,
    /// There are control characters, or line breaks where none belong.
    Control,
    /// A comment, a group, a route, a quoted mailbox, or what is no address at all.
    Form,
    /// An encoded name that looks like an address itself.
    Name,
}

impl InvalidFrom {
    /// In a few words.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::Missing => "there is no From",
            Self::Fields => "there are several From fields",
            Self::Addresses => "From has several addresses",
            Self::Control => "From has control characters",
            Self::Form => "From is not one plain address",
            Self::Name => "the name in From hides an address",
        }
    }
}

/// The one address that From names.
///
/// `raw` is the mail as it came, whose lines we read ourselves; `from` is what the mail parser made of From, which has to be the same
/// address.
///
/// # Errors
/// Why it names nobody.
pub fn judge(raw: &[u8], from: &[Address]) -> Result<String, InvalidFrom> {
    let lines = header_lines(raw);
    let mut found = (0..lines.len()).filter(|place| is_from(&lines, *place));
    let (Some(place), more) = (found.next(), found.next()) else {
        return Err(InvalidFrom::Missing);
    };
    if more.is_some() {
        return Err(InvalidFrom::Fields);
    }
    let line = lines.get(place).ok_or(InvalidFrom::Missing)?;
    let continued = lines.get(place + 1..).unwrap_or_default().iter();
    let continued = continued.take_while(|line| line.starts_with([' ', '\t']));
    let whole: String = std::iter::once(line).chain(continued).map(Cow::as_ref).collect();
    let value = match whole.split_once(':') {
        Some((name, value)) if name.eq_ignore_ascii_case("From") => value,
        _ => return Err(InvalidFrom::Form),
    };
    let address = strict(&on_one_line(value)?)?;
    match from {
        [one] if unquoted(&one.address) == address => match one.name.as_deref() {
            Some(name) if value.contains("=?") && name.contains(['@', '<', '>']) => Err(InvalidFrom::Name),
            _ => Ok(address),
        },
        [] | [_] => Err(InvalidFrom::Form),
        _ => Err(InvalidFrom::Addresses),
    }
}

/// The lines of the header. A lone CR ends a line as well: some readers think so.
fn header_lines(raw: &[u8]) -> Vec<Cow<'_, str>> {
    let lines = raw.split(|&byte| byte == b'\n');
    let header = lines.take_while(|line| !matches!(line, [] | [b'\r']));
    let pieces = header.flat_map(|line| line.split(|&byte| byte == b'\r'));
    let pieces = pieces.filter(|piece| !piece.is_empty());
    pieces.map(lossy).collect()
}

/// Whether somebody may take a line for the beginning of From: with blanks around the name, with what can't be seen in it, folded
/// before its colon, or though it continues another field.
fn is_from(lines: &[Cow<'_, str>], place: usize) -> bool {
    let mut name = String::new();
    let first = lines
        .get(place)
        .and_then(|line| line.chars().find(char::is_ascii_graphic));
    if !first.is_none_or(|first| first.eq_ignore_ascii_case(&'f')) {
        return false;
    }
    for (number, line) in lines.iter().skip(place).enumerate() {
        if number > 0 && !line.starts_with([' ', '\t']) || name.len() > 100 {
            return false;
        }
        let before = line.split_once(':').map(|(before, _)| before);
        name.extend(before.unwrap_or(line).chars().filter(char::is_ascii_graphic));
        if before.is_some() {
            return name.eq_ignore_ascii_case("from");
        }
    }
    false
}

/// The value without what folded it; control characters are none of it.
fn on_one_line(value: &str) -> Result<String, InvalidFrom> {
    if value.len() > LONGEST {
        return Err(InvalidFrom::Form);
    }
    let line = value.replace('\t', " ");
    if line.chars().any(is_unfit) {
        return Err(InvalidFrom::Control);
    }
    Ok(line.trim().to_owned())
}

/// `local@domain`, with a comment or without; or a name and then `<local@domain>`, with a comment behind it or without.
fn strict(line: &str) -> Result<String, InvalidFrom> {
    if line.is_empty() {
        return Err(InvalidFrom::Missing);
    }
    let line = without_comment(line);
    let address = match line.strip_suffix('>') {
        Some(rest) => after_name(rest)?,
        None => line,
    };
    if address.contains(',') {
        return Err(InvalidFrom::Addresses);
    }
    let plain = unquoted(address);
    is_plain(&plain).then(|| plain.into_owned()).ok_or(InvalidFrom::Form)
}

/// A line without the one comment at its end, where that can't be read as anything else.
fn without_comment(line: &str) -> &str {
    let comment = line.strip_suffix(')').and_then(|rest| rest.rsplit_once('('));
    match comment {
        // What stands close to the address, or begins with a dot, goes on with it for some readers.
        Some((before, comment)) if before.ends_with(' ') && !comment.starts_with('.') && is_quiet(comment) => {
            before.trim_end()
        }
        _ => line,
    }
}

/// Whether a text holds nothing that begins or ends an address, a name, or a part of either.
fn is_quiet(text: &str) -> bool {
    !text.contains(['@', '<', '>', '"', '\\', ',', ';', ':', '(', ')', '[', ']'])
}

/// What follows the name and its `<`.
fn after_name(line: &str) -> Result<&str, InvalidFrom> {
    if let Some(quoted) = line.strip_prefix('"') {
        let rest = after_quoted(quoted).ok_or(InvalidFrom::Form)?.trim_start();
        let (between, address) = rest.split_once('<').ok_or(InvalidFrom::Form)?;
        return match between.trim() {
            "" => Ok(address),
            between if between.contains(',') => Err(InvalidFrom::Addresses),
            between if is_name(between) => Ok(address),
            _ => Err(InvalidFrom::Form),
        };
    }
    let (name, address) = line.split_once('<').ok_or(InvalidFrom::Form)?;
    match name.trim() {
        // Many programs write the address where they know no name.
        name if name.eq_ignore_ascii_case(address) => Ok(address),
        name if name.contains(',') => Err(InvalidFrom::Addresses),
        name if is_name(name) => Ok(address),
        _ => Err(InvalidFrom::Form),
    }
}

/// Whether a name that isn't quoted as a whole can only be one: pairs of parentheses, brackets and quotes (a nickname), with nothing in them that means more.
fn is_name(name: &str) -> bool {
    let mut open = None;
    for c in name.chars() {
        match (c, open) {
            ('(' | '[' | '"', None) => open = Some(c),
            (')', Some('(')) | (']', Some('[')) | ('"', Some('"')) => open = None,
            ('(' | ')' | '[' | ']' | '@' | '<' | '>' | '"' | '\\' | ';' | ':', _) => return false,
            _ => {}
        }
    }
    open.is_none()
}

/// What follows a quoted string whose first quote was taken.
fn after_quoted(text: &str) -> Option<&str> {
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()?),
            '"' => return text.get(at + 1..),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
#[path = "identity_tests.rs"]
pub(crate) mod tests;
