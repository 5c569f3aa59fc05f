//! The mail that is answered, going back: quoted, as text, or as a whole. Pure.

use mail_builder::{
    headers::content_type::ContentType,
    mime::{BodyPart, MimePart},
};

use super::{inspect::has_only_crlf, wording::plain};
use crate::{config::OriginalAs, job::Original};

/// Bytes of a line (RFC 5322 section 2.1.1).
const MAX_LINE: usize = 998;
/// Bytes of a header that goes back instead of a mail that is too large.
const MAX_HEADER: usize = 64 << 10;
/// Where something was cut.
const CUT: &str = "[…]";

/// The text with `> ` before each line, cut after `most` bytes.
pub(super) fn quoted(original: &Original, most: u64) -> String {
    let text = cut(&plain(&original.text), most);
    let line = |line: &str| match line.trim_end() {
        "" => ">".to_owned(),
        // One more level of what is quoted already (RFC 3676 section 4.5).
        line if line.starts_with('>') => format!(">{line}"),
        line => format!("> {line}"),
    };
    let lines: Vec<_> = text.trim_end().lines().map(line).collect();
    lines.join("\n")
}

/// The part that is attached; `None` where nothing is.
///
/// A mail may not be encoded in base64 (RFC 2046 section 5.2.1), and not every server takes 8-bit lines: one with such lines goes as a
/// file, which readers open just as well. Of one that is larger than `most` only the header goes (RFC 6522 section 4).
pub(super) fn attached(original: &Original, wanted: OriginalAs, most: u64) -> Option<MimePart<'static>> {
    match wanted {
        OriginalAs::Nothing | OriginalAs::Quote => None,
        OriginalAs::Text => {
            let text = cut(&plain(&original.text), most).replace('\n', "\r\n");
            Some(MimePart::new("text/plain", BodyPart::Text(text.into())).attachment("original.txt"))
        }
        OriginalAs::Rfc822 => Some(whole(&original.raw, most)),
    }
}

fn whole(raw: &[u8], most: u64) -> MimePart<'static> {
    if u64::try_from(raw.len()).unwrap_or(u64::MAX) > most {
        let header = crlf(header(raw));
        let part = MimePart::new(ContentType::new("text/rfc822-headers"), BodyPart::Binary(header.into()));
        return part.attachment("original-header.txt");
    }
    let lines = crlf(raw);
    if is_7bit(&lines) {
        return MimePart::new("message/rfc822", BodyPart::Binary(lines.into()))
            .attachment("original.eml")
            .transfer_encoding("7bit");
    }
    MimePart::new("application/octet-stream", BodyPart::Binary(raw.to_vec().into())).attachment("original.eml")
}

/// The lines up to the first empty one.
fn header(raw: &[u8]) -> &[u8] {
    let mut length = 0;
    for line in raw.split_inclusive(|&b| b == b'\n') {
        if matches!(line, b"\n" | b"\r\n") || length + line.len() > MAX_HEADER {
            break;
        }
        length += line.len();
    }
    raw.get(..length).unwrap_or_default()
}

/// Every line ended by CRLF.
fn crlf(raw: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(raw.len() + raw.len() / 50);
    let mut before = 0;
    for &b in raw {
        match b {
            b'\n' if before == b'\r' => {}
            b'\n' | b'\r' => lines.extend_from_slice(b"\r\n"),
            b => lines.push(b),
        }
        before = b;
    }
    lines
}

fn is_7bit(mail: &[u8]) -> bool {
    let fits = |line: &[u8]| line.len() <= MAX_LINE + 1;
    mail.iter().all(|&b| b.is_ascii() && b != 0) && has_only_crlf(mail) && mail.split(|&b| b == b'\n').all(fits)
}

/// The first bytes of a text, and a mark where it goes on.
pub(super) fn cut(text: &str, most: u64) -> String {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if text.len() <= most {
        return text.to_owned();
    }
    let end = (0..=most).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    format!("{}\n{CUT}", text.get(..end).unwrap_or_default().trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn original(text: &str, raw: &[u8]) -> Original {
        Original {
            text: text.into(),
            raw: bytes::Bytes::copy_from_slice(raw),
        }
    }

    fn written(part: MimePart<'_>) -> String {
        let mut bytes = Vec::new();
        part.write_part(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn quotes() {
        for (text, most, expected) in [
            ("one\r\ntwo  \r\n\r\n> three\n\n", 100, "> one\n> two\n>\n>> three"),
            ("日本", 4, "> 日\n> […]"),
            ("", 4, ""),
            ("a\0\x1b[1m", 100, "> a[1m"),
        ] {
            assert_eq!(quoted(&original(text, b""), most), expected, "{text:?}");
        }
    }

    #[test]
    fn a_whole_mail_goes_as_it_may() {
        let mail = b"Subject: x\n\nbody\r\n".as_slice();
        for (raw, most, begins, ends) in [
            (
                mail,
                1000,
                "Content-Type: message/rfc822\r\nContent-Disposition: attachment; filename=\"original.eml\"\r\n\
                 Content-Transfer-Encoding: 7bit\r\n\r\n",
                "\r\n\r\nSubject: x\r\n\r\nbody\r\n",
            ),
            (
                "Subject: ü\r\n\r\n".as_bytes(),
                1000,
                "Content-Type: application/octet-stream",
                "base64\r\n\r\nU3ViamVjdDogw7wNCg0K\r\n",
            ),
            (mail, 5, "Content-Type: text/rfc822-headers", "\r\n\r\nSubject: x\r\n"),
        ] {
            let part = attached(&original("", raw), OriginalAs::Rfc822, most).unwrap();
            let text = written(part);
            assert!(text.starts_with(begins) && text.ends_with(ends), "{text:?}");
        }
        let long = format!("Subject: x\r\n\r\n{}\r\n", "y".repeat(999));
        let part = attached(&original("", long.as_bytes()), OriginalAs::Rfc822, 10_000).unwrap();
        assert!(written(part).starts_with("Content-Type: application/octet-stream"));
        assert!(attached(&original("x", b"x"), OriginalAs::Quote, 10).is_none());
    }
}
