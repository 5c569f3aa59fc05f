//! Transfer encodings (RFC 2045 section 6), as mail programs write them. Pure.
//!
//! mail-parser decodes what is right, and fast. What isn't quite is decoded here: names in quotes, escapes of quoted-printable after
//! one that is none, text after base64, uuencode. What nobody knows is left as it is, and named.

use std::{array, borrow::Cow, sync::LazyLock};

use mail_parser::{DecodeProblems, MessagePart};

use super::{clean::clean, uu};

/// A part's content.
#[derive(Debug)]
pub(super) struct DecodedPart<'m> {
    /// Decoded; as it stands in the mail where its encoding is not known.
    pub(super) bytes: Cow<'m, [u8]>,
    /// The encoding that is not known.
    pub(super) unknown: Option<String>,
    /// The name that uuencode gives the file.
    pub(super) name: Option<Vec<u8>>,
}

/// An encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Identity,
    Base64,
    QuotedPrintable,
    Uuencode,
    Unknown,
}

/// The encoding of this name, in quotes or with something behind it.
fn encoding(name: &str) -> Encoding {
    let word = name.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let word = word
        .split([';', ' ', '(', '"', '\'', ',', '\t'])
        .next()
        .unwrap_or_default();
    let plain: String = word.chars().filter(char::is_ascii_alphanumeric).collect();
    match plain.to_ascii_lowercase().as_str() {
        "" | "7bit" | "8bit" | "7bits" | "8bits" | "7" | "8" | "binary" | "bit7" | "bit8" | "none" | "plain"
        | "plaintext" | "text" | "utf8" | "usascii" | "ascii" => Encoding::Identity,
        "base64" | "xbase64" | "b64" | "b" => Encoding::Base64,
        "quotedprintable" | "quoteprintable" | "quotedprinted" | "qp" | "q" | "printable" => Encoding::QuotedPrintable,
        "xuuencode" | "uuencode" | "xuue" | "uue" | "xuuencoded" | "uuencoded" | "xuu" => Encoding::Uuencode,
        _ => Encoding::Unknown,
    }
}

/// What a part's header says of its encoding.
fn declared(part: &MessagePart<'_>) -> Option<String> {
    let field = part.headers().get("Content-Transfer-Encoding")?;
    Some(
        clean(&String::from_utf8_lossy(field.raw_value()), 100)
            .trim()
            .to_owned(),
    )
}

/// A part's content, decoded as far as it can be.
pub(super) fn body<'m>(part: &MessagePart<'m>) -> DecodedPart<'m> {
    let known = |bytes| DecodedPart {
        bytes,
        unknown: None,
        name: None,
    };
    if part.has_known_transfer_encoding() {
        let (bytes, problems) = part.decoded_checked();
        if !problems.contains(DecodeProblems::MALFORMED_TRANSFER_ENCODING) {
            return known(bytes);
        }
    }
    let declared = declared(part).unwrap_or_default();
    let raw = part.raw_body();
    match encoding(&declared) {
        Encoding::Identity => known(Cow::Borrowed(raw)),
        Encoding::Base64 => known(base64(raw)),
        Encoding::QuotedPrintable => known(Cow::Owned(quoted_printable(raw))),
        Encoding::Uuencode => match uu::decode(raw) {
            Some(file) => DecodedPart {
                bytes: Cow::Owned(file.data),
                unknown: None,
                name: Some(file.name),
            },
            None => DecodedPart {
                bytes: Cow::Borrowed(raw),
                unknown: Some(declared),
                name: None,
            },
        },
        Encoding::Unknown => DecodedPart {
            bytes: Cow::Borrowed(raw),
            unknown: Some(declared),
            name: None,
        },
    }
}

/// Bytes of [`body`], without decoding where that can be told.
pub(super) fn size(part: &MessagePart<'_>) -> usize {
    let raw = part.raw_body();
    let is_plain_base64 = || {
        let end = raw
            .iter()
            .rposition(|byte| !byte.is_ascii_whitespace() && *byte != b'=')
            .map_or(0, |at| at + 1);
        raw.get(..end).unwrap_or_default().chunks(4096).all(are_digits)
    };
    let identity = || {
        !matches!(
            encoding(&declared(part).unwrap_or_default()),
            Encoding::QuotedPrintable | Encoding::Uuencode
        )
    };
    if part.has_known_transfer_encoding() && (is_plain_base64() || identity() && part.decoded_len() == raw.len()) {
        return part.decoded_len();
    }
    body(part).bytes.len()
}

/// The digits of base64, and the ends of lines.
static DIGITS: LazyLock<[bool; 256]> = LazyLock::new(|| {
    array::from_fn(|byte| {
        u8::try_from(byte).is_ok_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'\r' | b'\n'))
    })
});

/// Whether all of these are in [`DIGITS`]. Every byte of every attachment passes here, so it branches for none.
fn are_digits(bytes: &[u8]) -> bool {
    let digits = &*DIGITS;
    let is_digit = |byte: u8| digits.get(usize::from(byte)).copied().unwrap_or_default();
    bytes.iter().fold(true, |all, byte| all & is_digit(*byte))
}

/// The encoding that nobody knows, and the name that uuencode gives a file.
pub(super) fn odd(part: &MessagePart<'_>) -> (Option<String>, Option<Vec<u8>>) {
    if part.has_known_transfer_encoding() {
        return (None, None);
    }
    let DecodedPart { unknown, name, .. } = body(part);
    (unknown, name)
}

/// Whether a part's content is text that was not encoded in a way that nobody knows.
pub(super) fn is_readable(part: &MessagePart<'_>) -> bool {
    part.has_known_transfer_encoding() || encoding(&declared(part).unwrap_or_default()) != Encoding::Unknown
}

/// Base64 that isn't quite. Lines that can't be base64 are text: all of the body where the first is, and else what a server put behind
/// it.
fn base64(raw: &[u8]) -> Cow<'_, [u8]> {
    // Nobody puts blanks into a line of base64, and a line of dashes is one of text.
    let is_line = |line: &[u8]| {
        let line = line.trim_ascii();
        let digits = line
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/=-_".contains(byte));
        digits && (line.iter().any(u8::is_ascii_alphanumeric) || line.iter().all(|byte| *byte == b'='))
    };
    let mut bytes = Vec::with_capacity(raw.len() / 4 * 3);
    let mut group = Vec::with_capacity(4);
    let mut rest = raw;
    let mut lines = 0;
    while !rest.is_empty() {
        let end = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .map_or(rest.len(), |at| at + 1);
        let (line, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        let content = line.strip_suffix(b"\n").unwrap_or(line);
        if !is_line(content) {
            break;
        }
        lines += usize::from(!content.trim_ascii().is_empty());
        for &byte in content {
            match byte {
                b'=' => flush(&mut bytes, &mut group),
                _ if byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte) => group.push(byte),
                _ => {}
            }
            if group.len() == 4 {
                flush(&mut bytes, &mut group);
            }
        }
        rest = after;
    }
    flush(&mut bytes, &mut group);
    if lines == 0 {
        return Cow::Borrowed(raw);
    }
    // What follows is kept where people can read it.
    if !rest.is_empty() && str::from_utf8(rest).is_ok() && str::from_utf8(&bytes).is_ok() {
        bytes.push(b'\n');
        bytes.extend_from_slice(rest);
    }
    Cow::Owned(bytes)
}

fn flush(bytes: &mut Vec<u8>, group: &mut Vec<u8>) {
    digits(bytes, group);
    group.clear();
}

/// Digits of base64, whose end may be missing; `-` and `_` are those of URLs. Nothing else may be among them.
pub(super) fn digits(bytes: &mut Vec<u8>, digits: &[u8]) {
    let value = |digit: u8| match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' | b'-' => 62,
        _ => 63,
    };
    for four in digits.chunks(4) {
        let group = four
            .iter()
            .fold(0_u32, |group, digit| group << 6 | u32::from(value(*digit)));
        let group = group << (6 * (4 - four.len()));
        bytes.extend(group.to_be_bytes().get(1..1 + four.len() * 6 / 8).unwrap_or_default());
    }
}

/// Quoted-printable that isn't quite: `=` before what is no escape is itself.
fn quoted_printable(raw: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(raw.len());
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        let content = line.strip_suffix(b"\n").unwrap_or(line);
        let content = content.strip_suffix(b"\r").unwrap_or(content);
        let end = line.get(content.len()..).unwrap_or_default();
        // Blanks at a line's end came on the way (RFC 2045 section 6.7, rule 3).
        let kept = content.trim_ascii_end();
        let soft = kept
            .strip_suffix(b"=")
            .filter(|before| !before.ends_with(b"=") || before.len() < kept.len());
        let mut rest = soft.unwrap_or(kept);
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            let escaped = after.first_chunk::<2>().filter(|_| byte == b'=').and_then(|digits| {
                let digits = str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
                u8::from_str_radix(digits, 16).ok()
            });
            match escaped {
                Some(escaped) => {
                    bytes.push(escaped);
                    rest = after.get(2..).unwrap_or_default();
                }
                None => bytes.push(byte),
            }
        }
        if soft.is_none() {
            bytes.extend_from_slice(end);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_encodings() {
        use Encoding::{Base64, Identity, QuotedPrintable, Unknown, Uuencode};
        for (name, expected) in [
            ("base64", Base64),
            (" BASE64;", Base64),
            ("\"base64\"", Base64),
            ("base64 (usual)", Base64),
            ("Quoted-Printable", QuotedPrintable),
            ("quoted_printable", QuotedPrintable),
            ("\"8bit\"", Identity),
            ("8-bit", Identity),
            ("", Identity),
            ("x-uuencode", Uuencode),
            ("uuencode", Uuencode),
            ("x-uue", Uuencode),
            ("x-yenc", Unknown),
            ("binhex40", Unknown),
        ] {
            assert_eq!(encoding(name), expected, "{name}");
        }
    }

    #[test]
    fn quoted_printable_that_is_not_quite() {
        for (raw, expected) in [
            ("a==C3=BCb", "a=üb"),
            ("a=zz b", "a=zz b"),
            ("soft=\r\nbreak", "softbreak"),
            ("soft=  \r\nbreak", "softbreak"),
            ("blanks  \r\nend", "blanks\r\nend"),
            ("=", ""),
            ("=c3=bc", "ü"),
            ("a=+1b", "a=+1b"),
        ] {
            assert_eq!(
                String::from_utf8(quoted_printable(raw.as_bytes())).unwrap(),
                expected,
                "{raw:?}"
            );
        }
    }

    #[test]
    fn base64_that_is_not_quite() {
        for (raw, expected) in [
            ("aGVs\nbG8=\n", "hello"),
            ("aGVsbG8", "hello"),
            ("aGVs=bG8=", "hello"),
            (
                "aGVsbG8=\r\n--\r\nA list, unsubscribe!\r\n",
                "hello\n--\r\nA list, unsubscribe!\r\n",
            ),
            ("This is no base64, it is text.\n", "This is no base64, it is text.\n"),
        ] {
            let found = base64(raw.as_bytes()).into_owned();
            assert!(
                String::from_utf8(found)
                    .unwrap()
                    .starts_with(expected.trim_end_matches("\r\n")),
                "{raw:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(raw in prop::collection::vec(any::<u8>(), 0..300)) {
            drop(base64(&raw));
            drop(quoted_printable(&raw));
        }
    }
}
