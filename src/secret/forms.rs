//! The forms in which a secret may be written, and where whole words of a set stand in a text or in bytes of any kind. Pure.
//!
//! What is added counts at once, and a look takes one step for each byte, however many there are: thousands of accounts have as many
//! passwords, and each line of a log is looked at.

use std::{collections::HashMap, fmt::Write as _, ops::Range};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use data_encoding::HEXLOWER;

/// What stands where a secret stood.
pub(super) const STRUCK: &str = "***";
/// At the end of a text even so few characters of a secret are struck out: that is where a text was cut.
pub(super) const STUMP: usize = 3;
/// Bytes of a form at least: by so many it is found.
pub(super) const SHORTEST: usize = 8;
/// Bits of what is asked first; a power of two.
const BITS: usize = 1 << 16;

/// Words to be found, whatever the case of their ASCII letters and whichever alphabet of base64 they are written in.
#[derive(Default)]
pub(super) struct Forms {
    /// By their first [`SHORTEST`] bytes, without what follows these.
    rests: HashMap<u64, Vec<Vec<u8>>>,
    /// What begins in none of these bits begins no form. As long as [`BITS`], or empty.
    beginnings: Vec<u64>,
}

impl Forms {
    /// Adds a form; one that is too short is not looked for.
    pub(super) fn add(&mut self, form: &str) {
        let form: Vec<u8> = form.bytes().map(folded).collect();
        let Some((first, rest)) = form.split_at_checked(SHORTEST) else {
            return;
        };
        let first = first.iter().fold(0, |key, byte| key << 8 | u64::from(*byte));
        let rests = self.rests.entry(first).or_default();
        if rests.iter().any(|known| known == rest) {
            return;
        }
        rests.push(rest.to_vec());
        self.beginnings.resize(BITS / 64, 0);
        let (word, bit) = place(first);
        if let Some(word) = self.beginnings.get_mut(word) {
            *word |= bit;
        }
    }

    /// Where forms stand: in order, none touching another.
    pub(super) fn ranges(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        if self.rests.is_empty() {
            return found;
        }
        let mut window = 0;
        for (at, byte) in bytes.iter().enumerate() {
            window = window << 8 | u64::from(folded(*byte));
            let (word, bit) = place(window);
            let Some(start) = (at + 1).checked_sub(SHORTEST) else {
                continue;
            };
            if self.beginnings.get(word).is_none_or(|word| word & bit == 0) {
                continue;
            }
            let Some(rests) = self.rests.get(&window) else { continue };
            let left = bytes.get(at + 1..).unwrap_or_default();
            let longest = rests.iter().filter(|rest| begins(left, rest)).map(Vec::len).max();
            let Some(longest) = longest else { continue };
            let range = start..at + 1 + longest;
            match found.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => found.push(range),
            }
        }
        found
    }
}

/// Whether the bytes begin with this, which is folded.
fn begins(bytes: &[u8], rest: &[u8]) -> bool {
    let head = bytes.get(..rest.len());
    head.is_some_and(|head| head.iter().zip(rest).all(|(byte, other)| folded(*byte) == *other))
}

/// The bit of a beginning: its word, and the bit in it.
fn place(first: u64) -> (usize, u64) {
    // Fibonacci hashing: the highest bits of the product depend on all of the key.
    let hash = first.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - BITS.trailing_zeros());
    (usize::try_from(hash / 64).unwrap_or_default(), 1 << (hash % 64))
}

fn folded(byte: u8) -> u8 {
    match byte {
        b'-' => b'+',
        b'_' => b'/',
        byte => byte.to_ascii_lowercase(),
    }
}

/// Base64 of these bytes: whole, and as it stands within that of anything longer, which begins one, two or three bytes before.
pub(super) fn encoded(bytes: &[u8]) -> Vec<String> {
    let mut forms = vec![STANDARD.encode(bytes)];
    for before in 0..3 {
        let mut padded = vec![0; before];
        padded.extend_from_slice(bytes);
        let text = STANDARD.encode(&padded);
        // Only characters that nothing else has a part in.
        let (first, end) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        forms.extend(
            text.get(first..end)
                .filter(|inner| inner.len() > STUMP)
                .map(str::to_owned),
        );
    }
    forms
}

/// Every form in which a secret may stand in a text: as it is first.
pub(super) fn written(secret: &str) -> Vec<String> {
    let trimmed = secret.trim();
    let mut forms = vec![trimmed.to_owned()];
    // As a whole it comes second.
    forms.extend(encoded(secret.as_bytes()));
    forms.extend([
        quoted(trimmed),
        percent_encoded(secret),
        form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        HEXLOWER.encode(secret.as_bytes()),
    ]);
    forms
}

/// As an IMAP or SMTP quoted string has it, or JSON.
pub(super) fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String can't fail.
            write!(encoded, "%{byte:02X}").ok();
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(forms: &[String]) -> Forms {
        let mut all = Forms::default();
        forms.iter().for_each(|form| all.add(form));
        all
    }

    #[test]
    fn nothing_is_found_where_nothing_stands() {
        let forms = of(&["canary-one".to_owned(), "short".to_owned()]);
        assert!(forms.ranges(b"a short canary-on").is_empty());
        assert!(forms.ranges(b"").is_empty());
        assert!(Forms::default().ranges(b"canary-one").is_empty());
    }

    proptest! {
        /// As somebody would do it who has time: each form at each place.
        #[test]
        fn it_finds_what_a_plain_search_finds(
            forms in prop::collection::vec("[abAB_/+é-]{6,12}", 0..6), text in "[abAB_/+é-]{0,200}",
        ) {
            let fold = |text: &str| text.bytes().map(folded).collect::<Vec<_>>();
            let told = fold(&text);
            let mut struck = vec![false; told.len()];
            for form in forms.iter().map(|form| fold(form)).filter(|form| form.len() >= SHORTEST) {
                for at in 0..told.len() {
                    if told[at..].starts_with(&form) {
                        struck[at..at + form.len()].fill(true);
                    }
                }
            }
            let ranges = of(&forms).ranges(text.as_bytes());
            for (at, is_struck) in struck.iter().enumerate() {
                prop_assert_eq!(ranges.iter().any(|range| range.contains(&at)), *is_struck, "{} of {}", at, text);
            }
            for range in ranges {
                prop_assert!(text.get(range).is_some(), "it ends within a character");
            }
        }
    }
}
