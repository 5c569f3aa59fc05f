//! Whom a mail's From names, where it names one and only one in a form that nobody can read in two ways. Pure.
//!
//! Mail programs disagree on what odd forms mean: two From fields, two addresses, routes, groups, comments, quoted names of mailboxes,
//! control characters, encoded words with addresses inside. Whoever verified the one may have been shown another. Such a From names nobody.

use super::{Address, clean::is_unfit};
use crate::addr_spec::{is_plain, unquoted};

/// The longest From that is looked at, in bytes.
const LONGEST: usize = 2_000;

/// Why From names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Odd {
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

impl Odd {
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
pub fn judge(raw: &[u8], from: &[Address]) -> Result<String, Odd> {
    let lines = header_lines(raw);
    let mut found = lines.iter().enumerate().filter(|(_, line)| is_from(line));
    let (Some((place, line)), more) = (found.next(), found.next()) else {
        return Err(Odd::Missing);
    };
    if more.is_some() {
        return Err(Odd::Fields);
    }
    let continued = lines.get(place + 1..).unwrap_or_default().iter();
    let continued = continued.take_while(|line| line.starts_with([' ', '\t']));
    let whole: Vec<_> = std::iter::once(line)
        .chain(continued)
        .map(|line| line.as_str())
        .collect();
    let whole = whole.join("");
    let value = match whole.split_once(':') {
        Some((name, value)) if name.eq_ignore_ascii_case("From") => value,
        _ => return Err(Odd::Form),
    };
    let address = strict(&on_one_line(value)?)?;
    match from {
        [one] if unquoted(&one.address) == address => match one.name.as_deref() {
            Some(name) if value.contains("=?") && name.contains(['@', '<', '>']) => Err(Odd::Name),
            _ => Ok(address),
        },
        [] | [_] => Err(Odd::Form),
        _ => Err(Odd::Addresses),
    }
}

/// The lines of the header. A lone CR ends a line as well: some readers think so.
fn header_lines(raw: &[u8]) -> Vec<String> {
    let lines = raw.split(|&byte| byte == b'\n');
    let header = lines.take_while(|line| !matches!(line, [] | [b'\r']));
    let pieces = header.flat_map(|line| line.split(|&byte| byte == b'\r'));
    let pieces = pieces.filter(|piece| !piece.is_empty());
    pieces
        .map(|piece| String::from_utf8_lossy(piece).into_owned())
        .collect()
}

/// Whether somebody may take a line for From: with blanks around the name, though it continues another field, or with what can't be
/// seen in it.
fn is_from(line: &str) -> bool {
    let Some((name, _)) = line.split_once(':') else {
        return false;
    };
    let letters = name.chars().filter(char::is_ascii_graphic);
    letters.map(|c| c.to_ascii_lowercase()).eq("from".chars())
}

/// The value without what folded it; control characters are none of it.
fn on_one_line(value: &str) -> Result<String, Odd> {
    if value.len() > LONGEST {
        return Err(Odd::Form);
    }
    let line = value.replace('\t', " ");
    if line.chars().any(is_unfit) {
        return Err(Odd::Control);
    }
    Ok(line.trim().to_owned())
}

/// `local@domain`, or a name and then `<local@domain>`; nothing after it.
fn strict(line: &str) -> Result<String, Odd> {
    if line.is_empty() {
        return Err(Odd::Missing);
    }
    let address = match line.strip_suffix('>') {
        Some(rest) => after_name(rest)?,
        None => line,
    };
    if address.contains(',') {
        return Err(Odd::Addresses);
    }
    let plain = unquoted(address);
    is_plain(&plain).then(|| plain.into_owned()).ok_or(Odd::Form)
}

/// What follows the name and its `<`.
fn after_name(line: &str) -> Result<&str, Odd> {
    let rest = match line.strip_prefix('"') {
        Some(quoted) => after_quoted(quoted).ok_or(Odd::Form)?.trim_start(),
        None => line,
    };
    let (name, address) = rest.split_once('<').ok_or(Odd::Form)?;
    let was_quoted = line.starts_with('"');
    match name {
        name if name.contains(',') => Err(Odd::Addresses),
        "" => Ok(address),
        // Only blanks may stand between a quoted name and the address; a name without quotes has none of RFC 5322's specials but dots.
        name if !was_quoted && !name.contains(['(', ')', '>', '[', ']', ':', ';', '@', '\\', '"']) => Ok(address),
        _ => Err(Odd::Form),
    }
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
