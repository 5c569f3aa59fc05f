//! Which characters bytes stand for. The one place that decides: for headers, bodies, HTML, names of files and nested mails alike. Pure.
//!
//! What a mail says of its characters is often wrong, so the bytes are asked first. In this order:
//!
//! 1. Bytes above 127 that are valid UTF-8 are UTF-8, whatever they are said to be: hardly any other text is valid by chance.
//! 2. The charset that is declared, under any name that mail programs use ([`label`]); for HTML, the one that its `<meta>` names; for a
//!    header, the one of the mail's text.
//! 3. A detector, with the country of the sender's address; `windows-1252` where it is not certain.
//!
//! A charset counts where the bytes are legal in it. One that is declared and fits but for a few bytes is kept, and only those become
//! U+FFFD: they are what nothing explains.

mod johab;
mod label;
mod shifted;
mod tables;

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use oem_cp::code_table_type::TableType;

use self::label::Charset;
use super::clean::lossy;

/// The beginning of an HTML text in which `<meta>` is looked for, in bytes. HTML says 1,024; mail programs write their styles first.
const META: usize = 8 * 1024;
/// A declared charset is kept where at most one in so many of the bytes above 127 is illegal in it.
const FEW: usize = 8;
/// The bytes that are looked at.
const LOOKED_AT: usize = 64 * 1024;
/// Bytes above 127 from which on a guess is certain: with fewer, one accented letter or a lone `£` decides.
const ENOUGH: usize = 4;

/// What is known of some bytes beside the bytes themselves.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CharsetHints<'c> {
    /// The charset that they are said to have.
    pub(super) declared: Option<&'c str>,
    /// The charset of the text that they belong to, for bytes of a header.
    pub(super) nearby: Option<&'c str>,
    /// Whether they are HTML, which may name its charset itself.
    pub(super) html: bool,
    /// The last label of the sender's domain, e.g. `jp`.
    pub(super) country: Option<&'c str>,
}

/// Whether the charset of these bytes can only be guessed, for the one that they are said to have is not known here. They are asked for
/// where it is not known.
pub(super) fn is_guess<'b>(bytes: impl FnOnce() -> Cow<'b, [u8]>, declared: &str) -> bool {
    label::charset(declared).is_none() && str::from_utf8(&bytes()).is_err()
}

/// The text that these bytes are.
pub(super) fn decode<'b>(bytes: &'b [u8], clues: CharsetHints<'_>) -> Cow<'b, str> {
    let declared = clues.declared.and_then(label::charset);
    if let Some((mark, length)) = Encoding::for_bom(bytes)
        && (mark == UTF_8 || declared.is_none_or(|declared| declared.is_wide()))
    {
        let rest = bytes.get(length..).unwrap_or_default();
        return mark.decode_without_bom_handling(rest).0;
    }
    if let Some(declared) = declared.filter(|declared| declared.is_wide() && bytes.contains(&0)) {
        return attempt(declared, bytes).text;
    }
    if bytes.is_ascii() {
        return seven_bit(bytes, declared);
    }
    if let Ok(text) = str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let meta = clues.html.then(|| in_meta(bytes)).flatten();
    let nearby = clues.nearby.and_then(label::charset);
    let named = [declared, meta, nearby]
        .into_iter()
        .flatten()
        .filter(|charset| *charset != Charset::Ascii);
    let mut nearly = None;
    for charset in named {
        let tried = attempt(charset, bytes);
        if tried.illegal == 0 {
            return tried.text;
        }
        if nearly.is_none() && tried.illegal * FEW <= above(bytes) {
            nearly = Some(tried.text);
        }
    }
    if let Some(nearly) = nearly {
        return nearly;
    }
    // Most of it is UTF-8, though nobody says so: a character that was cut, or a line in another charset.
    let utf8 = attempt(Charset::Known(UTF_8), bytes);
    if utf8.illegal * FEW <= above(bytes) {
        return utf8.text;
    }
    let guessed = attempt(Charset::Known(guess(bytes, clues.country)), bytes);
    if guessed.illegal == 0 {
        return guessed.text;
    }
    attempt(Charset::Known(WINDOWS_1252), bytes).text
}

/// Bytes below 128 only: ASCII, or one of the charsets that shift between several sets of characters.
fn seven_bit(bytes: &[u8], declared: Option<Charset>) -> Cow<'_, str> {
    let shifts = match declared {
        Some(Charset::Shifted | Charset::Hz | Charset::Utf7) => declared,
        // Escapes of ISO 2022 mean nothing else in a mail.
        _ => bytes.contains(&shifted::ESCAPE).then_some(Charset::Shifted),
    };
    if let Some(charset) = shifts {
        let tried = attempt(charset, bytes);
        if tried.illegal == 0 || declared == Some(charset) {
            return tried.text;
        }
    }
    lossy(bytes)
}

/// A text, and how many characters of it are illegal.
struct DecodeAttempt<'b> {
    text: Cow<'b, str>,
    illegal: usize,
}

impl<'b> DecodeAttempt<'b> {
    fn of(text: Cow<'b, str>) -> Self {
        let illegal = text.matches(char::REPLACEMENT_CHARACTER).count();
        Self { text, illegal }
    }
}

fn attempt(charset: Charset, bytes: &[u8]) -> DecodeAttempt<'_> {
    match charset {
        Charset::Ascii => DecodeAttempt::of(lossy(bytes)),
        Charset::Known(known) => DecodeAttempt::of(known.decode_without_bom_handling(bytes).0),
        Charset::Table(table) => DecodeAttempt::of(Cow::Owned(by_table(table, bytes))),
        Charset::Viscii => DecodeAttempt::of(Cow::Owned(viscii(bytes))),
        Charset::Johab => DecodeAttempt::of(Cow::Owned(johab::decode(bytes))),
        Charset::Page(number) => DecodeAttempt::of(Cow::Owned(page(number, bytes))),
        Charset::Shifted => DecodeAttempt::of(Cow::Owned(shifted::iso_2022(bytes))),
        Charset::Hz => DecodeAttempt::of(Cow::Owned(shifted::hz(bytes))),
        Charset::Utf7 => DecodeAttempt::of(mail_parser::Charset::Utf7.decode(bytes)),
        Charset::Utf16 => {
            let big = bytes.iter().step_by(2).filter(|byte| **byte == 0).count();
            let little = bytes.iter().skip(1).step_by(2).filter(|byte| **byte == 0).count();
            // RFC 2781 section 4.3: big-endian, where nothing speaks against it.
            let order = if little > big { UTF_16LE } else { UTF_16BE };
            DecodeAttempt::of(order.decode_without_bom_handling(bytes).0)
        }
        Charset::Utf32 => DecodeAttempt::of(Cow::Owned(utf_32(bytes))),
    }
}

/// A code page of DOS.
fn page(number: u16, bytes: &[u8]) -> String {
    let table = oem_cp::code_table::DECODING_TABLE_CP_MAP.get(&number);
    let above = |byte: u8| {
        let at = usize::from(byte & 0x7f);
        match table? {
            TableType::Complete(table) => table.get(at).copied(),
            TableType::Incomplete(table) => table.get(at).copied().flatten(),
        }
    };
    let character = |&byte: &u8| match byte {
        0..=0x7f => char::from(byte),
        _ => above(byte).unwrap_or(char::REPLACEMENT_CHARACTER),
    };
    bytes.iter().map(character).collect()
}

/// A charset of one byte.
fn by_table(table: &str, bytes: &[u8]) -> String {
    let above: Vec<char> = table.chars().collect();
    let character = |&byte: &u8| match byte {
        0..=0x7f => char::from(byte),
        _ => above
            .get(usize::from(byte & 0x7f))
            .copied()
            .unwrap_or(char::REPLACEMENT_CHARACTER),
    };
    bytes.iter().map(character).collect()
}

/// RFC 1456.
fn viscii(bytes: &[u8]) -> String {
    let capital = |c| match c {
        '\u{2}' => 'Ẳ',
        '\u{5}' => 'Ẵ',
        '\u{6}' => 'Ẫ',
        '\u{14}' => 'Ỷ',
        '\u{19}' => 'Ỹ',
        '\u{1e}' => 'Ỵ',
        c => c,
    };
    by_table(tables::VISCII, bytes).chars().map(capital).collect()
}

fn utf_32(bytes: &[u8]) -> String {
    let (units, rest) = bytes.as_chunks::<4>();
    let little = units
        .first()
        .is_some_and(|first| first.last() == Some(&0) && first.first() != Some(&0));
    let character = |unit: &[u8; 4]| {
        let number = if little {
            u32::from_le_bytes(*unit)
        } else {
            u32::from_be_bytes(*unit)
        };
        char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER)
    };
    let cut = (!rest.is_empty()).then_some(char::REPLACEMENT_CHARACTER);
    let all = units.iter().map(character).chain(cut);
    all.filter(|c| *c != '\u{feff}').collect()
}

/// Bytes above 127.
fn above(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| !byte.is_ascii()).count()
}

/// The charset that the beginning of an HTML text names: `<meta charset=…>`, or in a Content-Type.
fn in_meta(html: &[u8]) -> Option<Charset> {
    const NAME: &[u8] = b"charset";
    let head = html.get(..html.len().min(META))?.to_ascii_lowercase();
    let mut rest = head.as_slice();
    while let Some(at) = find(rest, b"<meta") {
        let tag = rest.get(at..)?;
        let end = tag.iter().position(|byte| *byte == b'>').unwrap_or(tag.len());
        let (tag, after) = tag.split_at_checked(end)?;
        if let Some(at) = find(tag, NAME) {
            let value = tag.get(at + NAME.len()..)?.trim_ascii_start();
            let value = value.strip_prefix(b"=").unwrap_or_default().trim_ascii_start();
            let value = value.trim_ascii_start();
            let quoted = value
                .iter()
                .position(|byte| !matches!(byte, b'"' | b'\'' | b' '))
                .unwrap_or(0);
            let value = value.get(quoted..)?;
            let end = value
                .iter()
                .position(|byte| matches!(byte, b'"' | b'\'' | b' ' | b';' | b'/'));
            let name = value.get(..end.unwrap_or(value.len()))?;
            if let Some(charset) = str::from_utf8(name).ok().and_then(label::charset) {
                // What has been read as bytes below 128 so far is neither of the two.
                return Some(charset).filter(|charset| !charset.is_wide());
            }
        }
        rest = after;
    }
    None
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// The likeliest charset of these bytes, which are no UTF-8; `windows-1252` unless another is certain, or usual in the sender's
/// country: the last label of the domain.
fn guess(bytes: &[u8], country: Option<&str>) -> &'static Encoding {
    let looked_at = bytes.get(..LOOKED_AT).unwrap_or(bytes);
    let country = country.map(str::to_ascii_lowercase).filter(|label| is_label(label));
    let label = country.as_deref().map(str::as_bytes);
    let many = looked_at.iter().filter(|byte| !byte.is_ascii()).count() >= ENOUGH;
    // What is guessed of nothing is what is usual there.
    let usual = detector().guess(label, Utf8Detection::Deny);
    if !many && usual == WINDOWS_1252 {
        return WINDOWS_1252;
    }
    let mut detector = detector();
    detector.feed(looked_at, true);
    detector.guess(label, Utf8Detection::Deny)
}

fn detector() -> EncodingDetector {
    EncodingDetector::new(Iso2022JpDetection::Deny)
}

/// The detector panics on anything else.
fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
#[path = "charset_tests.rs"]
mod tests;
