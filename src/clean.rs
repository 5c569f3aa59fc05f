//! Words of others, made fit for one line of a log, a header field, a body, a terminal or a page. Pure.

use std::{borrow::Cow, fmt::Write as _};

use serde::Serialize;

/// Replaces every character that could break a line, steer a terminal or turn the reading direction by a space, trims,
/// and cuts after `max` characters (the cut is marked by `…`).
#[must_use]
pub fn clean(text: &str, max: usize) -> String {
    cleaned(text, max).into_owned()
}

/// The same; most is fit as it is.
#[must_use]
pub fn cleaned(text: &str, max: usize) -> Cow<'_, str> {
    // Without a way out in between, many bytes are looked at together.
    if text.len() <= max && text.bytes().fold(true, |fit, byte| fit & matches!(byte, b' '..=b'~')) {
        return text.trim_matches(' ').into();
    }
    let text = text.trim_matches(|c: char| c.is_whitespace() || is_unfit(c));
    let mut cleaned = String::with_capacity(text.len().min(max.saturating_mul(4)));
    for (count, c) in text.chars().enumerate() {
        if count == max {
            cleaned.push('…');
            break;
        }
        cleaned.push(if is_unfit(c) { ' ' } else { c });
    }
    cleaned.into()
}

/// Bytes as text, in which what is no UTF-8 is a replacement character. Most are UTF-8, which is found out at once, and not byte by byte.
#[must_use]
pub fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// Text of several lines without control characters but line feeds and tabs; line ends become `\n`, the end is trimmed.
#[must_use]
pub fn clean_lines(text: &str) -> String {
    let lines = text.replace("\r\n", "\n");
    let unfit = |c: char| is_unfit(c) && c != '\n' && c != '\t';
    lines.replace(unfit, " ").trim_end().to_owned()
}

/// Text for the body of a mail: `\n` is its only control character beside tabs.
#[must_use]
pub fn body_lines(text: &str) -> String {
    let mut lines = text.replace("\r\n", "\n").replace('\r', "\n");
    lines.retain(|c| matches!(c, '\n' | '\t') || !c.is_control());
    lines
}

/// Text for a header field: one line, single blanks, as folding keeps no others, and nothing that a reader would decode: what looks like
/// an encoded word (RFC 2047) mail-builder 2.0.1 writes as it is.
#[must_use]
pub fn header_text(text: &str, max: usize) -> String {
    let cleaned = clean(text, max).replace("=?", "= ?");
    cleaned.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An identifier (Message-ID, Content-ID) without white space, control characters and angle brackets: servers and
/// mail-parser hand over folded ones with their line breaks inside.
#[must_use]
pub fn clean_id(id: &str) -> String {
    id.chars()
        .filter(|&c| !(c.is_whitespace() || is_unfit(c) || c == '<' || c == '>'))
        .take(MAX_ID)
        .collect()
}

/// Characters kept of an identifier: a line's length in RFC 5322 section 2.1.1.
const MAX_ID: usize = 998;

/// Text for a terminal: what could steer it or turn the reading direction, and what can't be seen, is written as `\u{…}`, line feeds
/// too.
#[must_use]
pub fn escaped(text: &str) -> String {
    escaped_but(text, &[])
}

/// As [`escaped`], for text of several lines: line feeds and tabs stay, CRLF is a line feed.
#[must_use]
pub fn escaped_lines(text: &str) -> String {
    escaped_but(&text.replace("\r\n", "\n"), &['\n', '\t'])
}

fn escaped_but(text: &str, kept: &[char]) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if needs_escape(c) && !kept.contains(&c) {
            escaped.extend(c.escape_unicode());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// A JSON document for a terminal, a log or a page: the same document, in which every character that could disturb one is escaped.
#[must_use]
pub fn escaped_json(document: &str) -> String {
    // Outside of strings JSON has no such character but the line feeds of its layout, and inside it has no line feeds.
    let is_odd = |c: char| c != '\n' && needs_escape(c);
    if !document.contains(is_odd) {
        return document.to_owned();
    }
    in_units(document, is_odd)
}

/// A text in which such characters are written as JSON and most languages write them, in units of UTF-16: `\u202e`.
#[must_use]
pub fn in_units(text: &str, is_odd: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        if is_odd(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                // Writing to a String can't fail.
                write!(escaped, "\\u{unit:04x}").ok();
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// A value as a JSON document of several lines, as [`escaped_json`] has it. Every document that goes out is made by this or the next.
///
/// # Errors
/// When the value can't be written as JSON.
pub fn json_lines(value: &(impl Serialize + ?Sized)) -> serde_json::Result<String> {
    serde_json::to_string_pretty(value).map(|document| escaped_json(&document))
}

/// The same in one line.
///
/// # Errors
/// When the value can't be written as JSON.
pub fn json_line(value: &(impl Serialize + ?Sized)) -> serde_json::Result<String> {
    serde_json::to_string(value).map(|document| escaped_json(&document))
}

/// Whether a terminal should not get this character as it is: beside what is unfit, marks of direction and what takes no room.
#[must_use]
pub fn needs_escape(c: char) -> bool {
    is_unfit(c)
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Control characters, line and paragraph separators, and the embeddings, overrides and isolates of bidirectional text.
#[must_use]
pub fn is_unfit(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What is fit as it is goes the same way.
        #[test]
        fn text_without_copies_is_the_same(text in "[ -~]{0,12}|\\PC{0,12}|[ a\t\r\n\u{202e}é]{0,12}", max in 0..15_usize) {
            let trimmed = text.trim_matches(|c: char| c.is_whitespace() || is_unfit(c));
            let mut slow: String = trimmed.chars().take(max).map(|c| if is_unfit(c) { ' ' } else { c }).collect();
            if trimmed.chars().count() > max {
                slow.push('…');
            }
            prop_assert_eq!(cleaned(&text, max), slow);
        }

        #[test]
        fn bytes_are_the_text_that_they_are(bytes in prop::collection::vec(any::<u8>(), 0..20), text in "\\PC{0,20}") {
            prop_assert_eq!(lossy(&bytes), String::from_utf8_lossy(&bytes));
            prop_assert_eq!(&*lossy(text.as_bytes()), &*text);
        }
    }

    #[test]
    fn one_line_of_harmless_text_comes_out() {
        for (text, cleaned) in [
            ("plain", "plain"),
            (" x\r\nBcc: evil@e.example ", "x  Bcc: evil@e.example"),
            ("\u{1b}]0;title\u{7}red", "]0;title red"),
            ("abc\u{202e}fdp.exe", "abc fdp.exe"),
            ("nul\0inside", "nul inside"),
            ("日本語", "日本語"),
            ("\r\n\t ", ""),
        ] {
            assert_eq!(clean(text, 100), cleaned, "{text:?}");
        }
        assert_eq!(clean("abcdef", 3), "abc…");
        assert_eq!(clean("abc", 3), "abc");
        assert_eq!(clean_lines("a\r\n\tb\u{1b}[1m\0\n\n"), "a\n\tb [1m");
        assert_eq!(body_lines("a\r\n\tb\rc\u{1b}[1m\0\n"), "a\n\tb\nc[1m\n");
        assert_eq!(header_text(" a =?utf-8?q?b?=\r\n  c", 100), "a = ?utf-8?q?b?= c");
        assert_eq!(clean_id("<a\r\n b@c>"), "ab@c");
    }

    #[test]
    fn what_is_shown_on_a_terminal_is_escaped() {
        assert_eq!(escaped("a\u{1b}[2J\u{202e}b\nü日"), "a\\u{1b}[2J\\u{202e}b\\u{a}ü日");
        assert_eq!(
            escaped_lines("a\r\n\tb\rc\u{200f}\u{9b}"),
            "a\n\tb\\u{d}c\\u{200f}\\u{9b}"
        );
    }

    proptest! {
        #[test]
        fn a_document_says_the_same_and_nothing_that_a_terminal_obeys(text in "(?s).*", odd in "[\u{7f}-\u{9f}\u{200b}-\u{202e}\u{2066}-\u{2069}\u{e0001}]{1,4}") {
            let said = serde_json::json!({ &odd: [format!("{text}{odd}")] });
            for document in [json_line(&said).unwrap(), json_lines(&said).unwrap()] {
                prop_assert!(!document.contains(|c| c != '\n' && needs_escape(c)), "{document:?}");
                prop_assert_eq!(&serde_json::from_str::<serde_json::Value>(&document).unwrap(), &said);
            }
        }

        #[test]
        fn nothing_that_needs_it_goes_unescaped(text in "\\PC*|.*|(?s).*") {
            prop_assert!(!escaped(&text).chars().any(needs_escape));
            prop_assert!(!escaped_lines(&text).chars().any(|c| needs_escape(c) && c != '\n' && c != '\t'));
        }

        #[test]
        fn nothing_unfit_survives(text in "\\PC*|.*|(?s).*", max in 0usize..50) {
            let cleaned = clean(&text, max);
            prop_assert!(!cleaned.chars().any(is_unfit));
            prop_assert!(cleaned.chars().count() <= max + 1);
        }
    }
}
