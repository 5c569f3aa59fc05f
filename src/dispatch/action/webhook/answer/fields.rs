//! Header fields of an answer, as servers really write them: a value with parameters (RFC 9110 section 5.6.6), and names of files
//! (RFC 6266, RFC 8187, RFC 2231). Pure.
//!
//! Lenient where browsers are, for the work is done already: raw 8-bit names, names with per cent signs, encoded words, quotes that
//! never end, Windows paths.

use base64::{Engine, engine::general_purpose::STANDARD};
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use crate::message::clean::clean;

/// Parameters of a field at most; more are not looked at.
const MAX_PARAMETERS: usize = 100;

/// Characters of a file's name at most.
const MAX_NAME: usize = 1_000;

/// A field's value: what stands before the first semicolon, in lower case, and its parameters.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FieldValue {
    pub(super) value: String,
    parameters: Vec<(String, Vec<u8>)>,
}

impl FieldValue {
    /// Reads a field.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut field = Self::default();
        for (number, piece) in pieces(bytes).into_iter().take(MAX_PARAMETERS).enumerate() {
            match split(&piece) {
                Some((name, value)) => field.parameters.push((name, value)),
                None if number == 0 => field.value = lower(&piece),
                None => {}
            }
        }
        field
    }

    /// A parameter as text.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let (_, value) = self.parameters.iter().find(|(known, _)| known == name)?;
        Some(eight_bit(value))
    }

    /// The name of a file: the extended form, else the plain one, else one in pieces.
    pub(super) fn file_name(&self, parameter: &str) -> Option<String> {
        let raw = |name: &str| {
            self.parameters
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value)
        };
        let name = raw(&format!("{parameter}*"))
            .and_then(|value| extended(value))
            .or_else(|| raw(parameter).map(|value| plain(value)))
            .or_else(|| self.continued(parameter));
        name.map(|name| clean(&name, MAX_NAME)).filter(|name| !name.is_empty())
    }

    /// `filename*0*=`, `filename*1=` (RFC 2231 section 3): not for HTTP, but sent by whoever took it from a library for mail.
    fn continued(&self, parameter: &str) -> Option<String> {
        let mut all = Vec::new();
        let mut encoding = None;
        for number in 0..MAX_PARAMETERS {
            let (plain, coded) = (format!("{parameter}*{number}"), format!("{parameter}*{number}*"));
            let piece = self
                .parameters
                .iter()
                .find(|(name, _)| *name == plain || *name == coded);
            let Some((name, value)) = piece else { break };
            match (name.ends_with('*'), number) {
                (true, 0) => {
                    let (charset, rest) = charset(value)?;
                    encoding = Some(charset);
                    all.extend(unescaped(rest)?);
                }
                (true, _) => all.extend(unescaped(value)?),
                (false, _) => all.extend(value),
            }
        }
        (!all.is_empty()).then(|| match encoding {
            Some(encoding) => encoding.decode_without_bom_handling(&all).0.into_owned(),
            None => eight_bit(&all),
        })
    }
}

/// What stands between semicolons that are not in quotes.
fn pieces(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (mut pieces, mut piece) = (Vec::new(), Vec::new());
    let (mut quoted, mut escaped) = (false, false);
    for &byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted => {
                pieces.push(std::mem::take(&mut piece));
                continue;
            }
            _ => {}
        }
        piece.push(byte);
    }
    pieces.push(piece);
    pieces
}

/// Name and value of a parameter; the value without its quotes.
fn split(piece: &[u8]) -> Option<(String, Vec<u8>)> {
    let at = piece.iter().position(|&byte| byte == b'=')?;
    let (name, value) = piece.split_at_checked(at)?;
    let value = value.get(1..)?.trim_ascii();
    let value = match value.strip_prefix(b"\"") {
        Some(quoted) => unquoted(quoted),
        None => value.to_vec(),
    };
    Some((lower(name), value))
}

/// A quoted string to its end. A backslash counts before a quote and a backslash alone: others are of Windows' paths.
fn unquoted(quoted: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(quoted.len());
    let mut bytes = quoted.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match (byte, bytes.peek()) {
            (b'\\', Some(&next @ (b'"' | b'\\'))) => {
                value.push(next);
                bytes.next();
            }
            (b'"', _) => break,
            (byte, _) => value.push(byte),
        }
    }
    value
}

fn lower(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.trim_ascii()).to_ascii_lowercase()
}

/// Bytes that say no character set: UTF-8 where they are, else Windows-1252, of which ISO 8859-1 is a part.
fn eight_bit(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
    }
}

/// `charset'language'per%20cent` (RFC 8187 section 3.2).
fn extended(value: &[u8]) -> Option<String> {
    let (encoding, rest) = charset(value)?;
    let bytes = unescaped(rest)?;
    let (text, malformed) = encoding.decode_without_bom_handling(&bytes);
    // Who says the one and writes the other.
    Some(if malformed {
        eight_bit(&bytes)
    } else {
        text.into_owned()
    })
}

fn charset(value: &[u8]) -> Option<(&'static Encoding, &[u8])> {
    let mut parts = value.splitn(3, |&byte| byte == b'\'');
    let (label, _language, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let encoding = Encoding::for_label(label).or(label.is_empty().then_some(UTF_8))?;
    Some((encoding, rest))
}

/// Per cent signs undone; `None` where one is none.
fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                bytes.push(u8::try_from(high * 16 + low).ok()?);
            }
            byte => bytes.push(byte),
        }
    }
    Some(bytes)
}

/// The plain form. Browsers undo per cent signs and encoded words there too, and servers count on it.
fn plain(value: &[u8]) -> String {
    let text = eight_bit(value);
    if let Some(decoded) = encoded_words(&text) {
        return decoded;
    }
    let decoded = unescaped(value).and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.filter(|_| value.contains(&b'%')).unwrap_or(text)
}

/// `=?charset?B?…?=` (RFC 2047), one or several; `None` where the text is none of that.
fn encoded_words(text: &str) -> Option<String> {
    let mut decoded = String::new();
    for word in text.split_ascii_whitespace() {
        let mut parts = word.strip_prefix("=?")?.strip_suffix("?=")?.splitn(3, '?');
        let (charset, coding, content) = (parts.next()?, parts.next()?, parts.next()?);
        let encoding = Encoding::for_label(charset.as_bytes())?;
        let bytes = match coding {
            "B" | "b" => STANDARD.decode(content).ok()?,
            "Q" | "q" => unescaped(
                content
                    .replace('%', "=25")
                    .replace('_', " ")
                    .replace('=', "%")
                    .as_bytes(),
            )?,
            _ => return None,
        };
        decoded.push_str(&encoding.decode_without_bom_handling(&bytes).0);
    }
    (!decoded.is_empty()).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_files_are_read_as_browsers_do() {
        for (field, name) in [
            (&b"attachment; filename=\"invoice 1.pdf\""[..], "invoice 1.pdf"),
            (b"attachment; FILENAME=a.pdf; x=y", "a.pdf"),
            (b"attachment;filename=a.pdf;", "a.pdf"),
            (b"filename=a.pdf", "a.pdf"),
            (b"attachment; filename = \"a.pdf\" ", "a.pdf"),
            // A semicolon, quotes and backslashes in quotes.
            (b"attachment; filename=\"Angebot; Teil 2.pdf\"", "Angebot; Teil 2.pdf"),
            (b"attachment; filename=\"a\\\"b.pdf\"", "a\"b.pdf"),
            (b"attachment; filename=\"a\\\\b.pdf\"; x=1", "a\\b.pdf"),
            (b"attachment; filename=\"C:\\Temp\\out.pdf\"", "C:\\Temp\\out.pdf"),
            (b"attachment; filename=\"a.pdf", "a.pdf"),
            (b"attachment; filename=\"x=y.pdf\"", "x=y.pdf"),
            // The extended form wins, wherever it stands.
            (
                b"attachment; filename*=UTF-8''Gr%C3%BC%C3%9Fe.pdf",
                "Gr\u{fc}\u{df}e.pdf",
            ),
            (
                b"attachment; filename=\"Gru.pdf\"; filename*=utf-8'de'Gr%c3%bc.pdf",
                "Gr\u{fc}.pdf",
            ),
            (b"attachment; filename*=UTF-8''b.pdf; filename=a.pdf", "b.pdf"),
            (
                b"attachment; filename*=ISO-8859-1'en'%A3%20rates.pdf",
                "\u{a3} rates.pdf",
            ),
            (b"attachment; filename*=\"UTF-8''quoted%20too.pdf\"", "quoted too.pdf"),
            (b"attachment; filename*=UTF-8''%FC.pdf", "\u{fc}.pdf"),
            // One that is none: the plain one counts.
            (b"attachment; filename*=UTF-8''%zz.pdf; filename=a.pdf", "a.pdf"),
            (b"attachment; filename*=no-such-charset''b.pdf; filename=a.pdf", "a.pdf"),
            (b"attachment; filename*=b.pdf; filename=a.pdf", "a.pdf"),
            // Raw bytes, per cent signs and encoded words in the plain form.
            (b"attachment; filename=\"Gr\xc3\xbc.pdf\"", "Gr\u{fc}.pdf"),
            (b"attachment; filename=\"Gr\xfc.pdf\"", "Gr\u{fc}.pdf"),
            (b"attachment; filename=\"Gr%C3%BC%20e.pdf\"", "Gr\u{fc} e.pdf"),
            (b"attachment; filename=\"100% sure.pdf\"", "100% sure.pdf"),
            (b"attachment; filename=\"=?UTF-8?B?R3LDvC5wZGY=?=\"", "Gr\u{fc}.pdf"),
            (b"attachment; filename=\"=?iso-8859-1?Q?Gr=FC.pdf?=\"", "Gr\u{fc}.pdf"),
            // In pieces.
            (
                b"attachment; filename*0*=UTF-8''Gr%C3%BC; filename*1=\"e.pdf\"",
                "Gr\u{fc}e.pdf",
            ),
            (
                b"attachment; filename*0=\"long-\"; filename*1=\"name.pdf\"",
                "long-name.pdf",
            ),
        ] {
            let shown = String::from_utf8_lossy(field);
            assert_eq!(
                FieldValue::read(field).file_name("filename").as_deref(),
                Some(name),
                "{shown}"
            );
        }
        for field in [
            "",
            "inline",
            "attachment",
            "attachment; filename=",
            "attachment; filename=\"\"",
            "; ; =",
            "attachment; x=\"filename=a\"",
        ] {
            assert_eq!(
                FieldValue::read(field.as_bytes()).file_name("filename"),
                None,
                "{field}"
            );
        }
    }

    #[test]
    fn values_and_parameters() {
        let field = FieldValue::read(b" Text/Plain ; Charset=\"ISO-8859-1\"; name=a.txt");
        assert_eq!(field.value, "text/plain");
        assert_eq!(field.parameter("charset").as_deref(), Some("ISO-8859-1"));
        assert_eq!(field.file_name("name").as_deref(), Some("a.txt"));
        assert_eq!(field.parameter("boundary"), None);
    }

    proptest! {
        #[test]
        fn whatever_is_written_there_is_read(bytes in prop::collection::vec(any::<u8>(), 0..300), tail in ".{0,80}") {
            for field in [bytes.clone(), format!("attachment; filename{tail}").into_bytes()] {
                if let Some(name) = FieldValue::read(&field).file_name("filename") {
                    prop_assert!(!name.is_empty() && name.chars().count() <= MAX_NAME + 1);
                    prop_assert!(!name.contains(char::is_control));
                }
            }
        }
    }
}
