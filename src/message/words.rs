//! Words of a header (RFC 2047): what is encoded is decoded, what is written in eight bits is read. Pure, and of linear cost.
//!
//! Neighbours of one charset are joined as bytes before they are decoded: section 5 wants whole characters in each word, and many
//! programs cut where the line is full. What programs write is read, not only what they should: words without blanks around them, with
//! blanks inside, base64 without its end or cut between two words.

use super::{
    charset::{CharsetHints, decode},
    transfer::digits,
};

/// A header's text, on one line. `value` is the field as it stands in the mail, folded or not; no word decodes to another word.
pub(super) fn text(value: &[u8], clues: CharsetHints<'_>) -> String {
    let mut text = String::with_capacity(value.len());
    let mut joined: Option<Joined<'_>> = None;
    let mut rest = value;
    let mut plain_from = value;
    loop {
        let next = find_start(rest);
        let Some((before, word_at)) = next.and_then(|at| rest.split_at_checked(at)) else {
            break;
        };
        let Some((word, after)) = word(word_at) else {
            rest = word_at.get(2..).unwrap_or_default();
            continue;
        };
        // `before` is counted from where the last word ended.
        let between = plain_from.get(..plain_from.len() - word_at.len()).unwrap_or(before);
        joined = Some(match joined.take() {
            Some(mut joined) if is_blank(between) && joined.takes(&word) => {
                joined.add(&word);
                joined
            }
            before => {
                let had_word = before.is_some();
                if let Some(before) = before {
                    before.write(&mut text, clues);
                }
                // Blanks between two words are none of the text.
                if !(had_word && is_blank(between)) {
                    write_plain(&mut text, between, clues);
                }
                Joined::new(&word)
            }
        });
        (rest, plain_from) = (after, after);
    }
    if let Some(joined) = joined {
        joined.write(&mut text, clues);
    }
    write_plain(&mut text, plain_from, clues);
    text
}

/// Text that is not encoded, without its folding.
fn write_plain(text: &mut String, bytes: &[u8], clues: CharsetHints<'_>) {
    let decoded = decode(bytes, clues);
    if !decoded.contains(['\r', '\n']) {
        text.push_str(&decoded);
        return;
    }
    // A fold, with the blanks around it, is one blank.
    let mut lines = decoded.split(['\r', '\n']);
    let mut before = lines.next().unwrap_or_default();
    for line in lines {
        text.push_str(before.trim_end_matches([' ', '\t']));
        before = line.trim_start_matches([' ', '\t']);
        if !text.ends_with(' ') {
            text.push(' ');
        }
    }
    text.push_str(before);
}

/// A word, encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct EncodedWord<'v> {
    charset: &'v str,
    base64: bool,
    content: &'v [u8],
}

/// Words that follow one another in one charset.
struct Joined<'v> {
    charset: &'v str,
    bytes: Vec<u8>,
    /// Base64 whose end comes with the next word.
    open: Vec<u8>,
}

impl<'v> Joined<'v> {
    fn new(word: &EncodedWord<'v>) -> Self {
        let mut joined = Self {
            charset: word.charset,
            bytes: Vec::with_capacity(word.content.len()),
            open: Vec::new(),
        };
        joined.add(word);
        joined
    }

    fn takes(&self, word: &EncodedWord<'_>) -> bool {
        self.charset.eq_ignore_ascii_case(word.charset)
    }

    fn add(&mut self, word: &EncodedWord<'_>) {
        if !word.base64 {
            self.close();
            quoted(&mut self.bytes, word.content);
            return;
        }
        let digits = word.content.iter().filter(|byte| is_base64(**byte));
        self.open.extend(digits);
        if self.open.len().is_multiple_of(4) || word.content.trim_ascii_end().ends_with(b"=") {
            self.close();
        }
    }

    fn close(&mut self) {
        digits(&mut self.bytes, &std::mem::take(&mut self.open));
    }

    fn write(mut self, text: &mut String, clues: CharsetHints<'_>) {
        self.close();
        let declared = Some(self.charset.split('*').next().unwrap_or_default());
        text.push_str(&decode(&self.bytes, CharsetHints { declared, ..clues }));
    }
}

/// Bytes of the word that begins here, if one does: what is in it separates nothing.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    word(bytes).map(|(_, rest)| bytes.len() - rest.len())
}

/// Where a word may begin.
fn find_start(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|two| two == b"=?")
}

/// The word that begins here, and what follows it.
fn word(bytes: &[u8]) -> Option<(EncodedWord<'_>, &[u8])> {
    let rest = bytes.strip_prefix(b"=?")?;
    let end = rest.iter().take(LONGEST_NAME).position(|byte| *byte == b'?')?;
    let (charset, rest) = rest.split_at_checked(end)?;
    let charset = str::from_utf8(charset)
        .ok()
        .map(str::trim)
        .filter(|name| !name.is_empty() && !name.contains(['=', '<', '>', '@']))?;
    let (base64, rest) = match rest {
        [b'?', b'b' | b'B', b'?', rest @ ..] => (true, rest),
        [b'?', b'q' | b'Q', b'?', rest @ ..] => (false, rest),
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(end_of_word(rest)?)?;
    let word = EncodedWord {
        charset,
        base64,
        content,
    };
    Some((word, rest.get(2..)?))
}

/// Where a word's content ends. Another word that begins before says that this one has no end.
fn end_of_word(content: &[u8]) -> Option<usize> {
    for (at, two) in content.windows(2).take(LONGEST_WORD).enumerate() {
        match two {
            b"?=" => return Some(at),
            b"=?" if content.get(at + 2) != Some(&b'=') && word_name(content.get(at..)?) => return None,
            _ => {}
        }
    }
    None
}

/// Whether a word's charset and encoding stand here.
fn word_name(bytes: &[u8]) -> bool {
    let rest = bytes.get(2..).unwrap_or_default();
    let end = rest.iter().take(LONGEST_NAME).position(|byte| *byte == b'?');
    let after = end.and_then(|end| rest.get(end..));
    matches!(after, Some([b'?', b'b' | b'B' | b'q' | b'Q', b'?', ..]))
}

/// The longest name of a charset, with its language, and the longest word, in bytes. RFC 2047 has 75 for all of it; programs that do not
/// fold write more.
const LONGEST_NAME: usize = 80;
const LONGEST_WORD: usize = 16 * 1024;

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_whitespace)
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// The encoding `Q`: what is no escape is itself.
fn quoted(bytes: &mut Vec<u8>, content: &[u8]) {
    let mut rest = content;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'_' => bytes.push(b' '),
            b'=' => match after {
                [high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    bytes.push(digit(*high) << 4 | digit(*low));
                    rest = tail;
                }
                _ => bytes.push(byte),
            },
            // A word that was folded.
            b'\r' | b'\n' => {}
            _ => bytes.push(byte),
        }
    }
}

fn digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        _ => byte - b'A' + 10,
    }
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
