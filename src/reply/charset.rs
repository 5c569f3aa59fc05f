//! ISO-2022-JP (RFC 1468), for readers that know nothing else. Pure.
//!
//! What does not fit is not written in it: the caller takes UTF-8 then, and no character becomes a question mark.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use encoding_rs::{EncoderResult, ISO_2022_JP};

/// The charset's name.
pub(super) const NAME: &str = "iso-2022-jp";
/// What an encoded word begins and ends with (RFC 2047 section 2).
const WORD: (&str, &str) = ("=?ISO-2022-JP?B?", "?=");
/// Characters of an encoded word's inside, so that the word fits the first line behind `Subject: `: 76 are allowed in all.
const MAX_WORD: usize = 76 - "Subject: ".len() - WORD.0.len() - WORD.1.len();
/// Bytes of a line (RFC 5322 section 2.1.1).
const MAX_LINE: usize = 998;

/// The bytes of a text, 7-bit, each line from ASCII to ASCII; `None` when a character has no place in them, would come back as
/// another one, or a line would be too long.
pub(super) fn encoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    // Line by line: encoding_rs stays in JIS X 0201 over the end of a line, where `¥` and `‾` have led it.
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\r', '\n']);
        let (written, _, unfit) = ISO_2022_JP.encode(content);
        if unfit {
            return None;
        }
        bytes.extend_from_slice(&written);
        bytes.extend_from_slice(line.get(content.len()..)?.as_bytes());
    }
    // Halfwidth katakana become fullwidth ones: readable, but not what was written.
    let (back, unread) = ISO_2022_JP.decode_without_bom_handling(&bytes);
    let fits = bytes.split(|&b| b == b'\n').all(|line| line.len() <= MAX_LINE);
    (!unread && back == Cow::Borrowed(text) && fits).then_some(bytes)
}

/// A header field's value as encoded words, one blank between them; `None` as above.
pub(super) fn words(text: &str) -> Option<String> {
    encoded(text)?;
    let mut words = Vec::new();
    let mut word = String::new();
    for c in text.chars() {
        let mut longer = word.clone();
        longer.push(c);
        if payload(&longer)?.len() > MAX_WORD {
            words.push(payload(&word)?);
            longer = c.to_string();
        }
        word = longer;
    }
    words.push(payload(&word)?);
    let (begin, end) = WORD;
    let words: Vec<_> = words.iter().map(|word| format!("{begin}{word}{end}")).collect();
    Some(words.join(" "))
}

/// Text in base64, from ASCII to ASCII by itself, as each word must be (RFC 2047 section 3).
fn payload(text: &str) -> Option<String> {
    let mut encoder = ISO_2022_JP.new_encoder();
    let most = encoder.max_buffer_length_from_utf8_without_replacement(text.len())?;
    let mut bytes = Vec::with_capacity(most);
    let (result, _) = encoder.encode_from_utf8_to_vec_without_replacement(text, &mut bytes, true);
    (result == EncoderResult::InputEmpty).then(|| STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use mail_parser::MessageParser;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_fits_and_what_does_not() {
        assert_eq!(encoded("件名").unwrap(), b"\x1b$B7oL>\x1b(B");
        assert_eq!(encoded("a\r\n日本\r\nb").unwrap(), b"a\r\n\x1b$BF|K\\\x1b(B\r\nb");
        assert_eq!(words("件名").unwrap(), "=?ISO-2022-JP?B?GyRCN29MPhsoQg==?=");
        assert_eq!(encoded("¥\r\nb\r\n").unwrap(), b"\x1b(J\\\x1b(B\r\nb\r\n");
        for unfit in ["ü", "日本 €", "ｱｲｳ", "한국", "😀", "\u{1b}$B"] {
            assert_eq!(encoded(unfit), None, "{unfit}");
            assert_eq!(words(unfit), None, "{unfit}");
        }
        assert_eq!(encoded(&"日".repeat(600)), None, "a line too long");
    }

    proptest! {
        #[test]
        fn a_reader_reads_what_was_written(subject in "[ぁ-んァ-ヴ一-丁日本語a-z0-9 :]{1,80}") {
            let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
            prop_assume!(!subject.is_empty());
            let words = words(&subject).unwrap();
            let lines = words.split(' ').all(|word| word.len() + "Subject: ".len() <= 76);
            prop_assert!(lines && words.is_ascii());
            let raw = format!("Subject: {}\r\n\r\n", words.replace(' ', "\r\n "));
            let read = MessageParser::default().parse(raw.as_bytes()).unwrap();
            // Where words meet, mail-parser 1.0.1 reads a fault that is not there.
            prop_assert_eq!(read.subject().unwrap().replace('\u{fffd}', ""), subject);
        }
    }
}
