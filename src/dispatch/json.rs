//! Looking into JSON that somebody else wrote, without building it: a value takes up to twenty times the room of its text, and of most of
//! it nothing is kept. Pure.
//!
//! What is looked at stays a slice of the text; however deep or many the rest is, it costs its bytes and no more.

use std::{borrow::Cow, fmt};

use serde::{
    Deserializer as _,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

/// Keys that were not asked for and are named.
const MAX_NAMED: usize = 5;
/// Characters kept of such a key.
const MAX_NAME: usize = 200;

/// A value as it is written.
pub(super) type RawJson<'a> = &'a RawValue;

/// What was asked for of an object.
#[derive(Debug)]
pub(super) struct Picked<'a, const N: usize> {
    /// The values of the keys, in the order in which they were asked for; null is none. Of a key that is there twice the last counts.
    pub(super) values: [Option<RawJson<'a>>; N],
    /// The first of the other keys.
    pub(super) others: Vec<String>,
    /// How many others there are.
    pub(super) more: usize,
}

/// The whole of a text, when it is JSON.
///
/// # Errors
/// When it is not.
pub(super) fn whole(text: &str) -> serde_json::Result<RawJson<'_>> {
    serde_json::from_str(text)
}

/// The values of these keys of an object. An error is one of the text: what is no object has none.
///
/// # Errors
/// When a key is no text.
pub(super) fn pick<'a, const N: usize>(object: RawJson<'a>, keys: [&str; N]) -> serde_json::Result<Picked<'a, N>> {
    let mut read = serde_json::Deserializer::from_str(object.get());
    read.deserialize_map(Object(keys))
}

/// The first `most` elements of a list, and how many it has.
///
/// # Errors
/// When it is no list.
pub(super) fn elements(list: RawJson<'_>, most: usize) -> serde_json::Result<(Vec<RawJson<'_>>, usize)> {
    let mut read = serde_json::Deserializer::from_str(list.get());
    read.deserialize_seq(ListRange { skip: 0, most })
}

/// The value at a pointer (RFC 6901); `None` where there is none.
///
/// # Errors
/// When a text on the way is not right.
pub(super) fn at<'a>(mut value: RawJson<'a>, pointer: &str) -> serde_json::Result<Option<RawJson<'a>>> {
    if pointer.is_empty() {
        return Ok(Some(value));
    }
    let Some(steps) = pointer.strip_prefix('/') else {
        return Ok(None);
    };
    for step in steps.split('/') {
        let step = step.replace("~1", "/").replace("~0", "~");
        let next = match value.get().as_bytes().first() {
            Some(b'{') => {
                let Picked { values: [found], .. } = pick(value, [&step])?;
                found
            }
            Some(b'[') => match place(&step) {
                Some(skip) => {
                    let mut read = serde_json::Deserializer::from_str(value.get());
                    read.deserialize_seq(ListRange { skip, most: 1 })?.0.pop()
                }
                None => None,
            },
            _ => None,
        };
        match next {
            Some(next) => value = next,
            None => return Ok(None),
        }
    }
    Ok(Some(value))
}

/// An element's number, as a pointer writes it.
fn place(step: &str) -> Option<usize> {
    let is_number = !step.is_empty() && step.bytes().all(|digit| digit.is_ascii_digit());
    let is_short = step == "0" || !step.starts_with('0');
    (is_number && is_short).then(|| step.parse().ok()).flatten()
}

/// Whether this is written as null.
pub(super) fn is_null(value: RawJson<'_>) -> bool {
    value.get() == "null"
}

/// What a value is, in words.
pub(super) fn kind(value: RawJson<'_>) -> &'static str {
    match value.get().as_bytes().first() {
        Some(b'n') => "null",
        Some(b't' | b'f') => "true or false",
        Some(b'"') => "a text",
        Some(b'[') => "a list",
        Some(b'{') => "an object",
        _ => "a number",
    }
}

/// The text of a value that is one.
pub(super) fn text(value: RawJson<'_>) -> Option<Cow<'_, str>> {
    let mut read = serde_json::Deserializer::from_str(value.get());
    read.deserialize_str(TextVisitor).ok()
}

/// A value that is a text, or as good as one.
pub(super) fn word(value: RawJson<'_>) -> Option<String> {
    match value.get().as_bytes().first() {
        Some(b'"') => text(value).map(Cow::into_owned),
        Some(b'n' | b'[' | b'{') => None,
        _ => serde_json::from_str::<Value>(value.get())
            .ok()
            .map(|value| value.to_string()),
    }
}

/// The value, built, where it has no more than `most` bytes without blanks.
///
/// # Errors
/// In words: how many bytes it has at least, or why it can't be built.
pub(super) fn built(value: RawJson<'_>, most: usize) -> Result<Value, String> {
    let size = least(value.get());
    if size > most {
        return Err(format!("the data has {size} bytes, {most} at most"));
    }
    let value: Value = serde_json::from_str(value.get()).map_err(|error| format!("the data can't be read: {error}"))?;
    // What it is kept as has other escapes and numbers.
    match value.to_string().len() {
        size if size > most => Err(format!("the data has {size} bytes, {most} at most")),
        _ => Ok(value),
    }
}

/// Bytes that JSON has at least, written without blanks and with no more escapes than it needs; and so what its values can be at most.
fn least(text: &str) -> usize {
    let mut bytes = text.bytes();
    let (mut size, mut is_in_text) = (0, false);
    while let Some(byte) = bytes.next() {
        size += match (byte, is_in_text) {
            (b'"', _) => {
                is_in_text = !is_in_text;
                1
            }
            (b'\\', true) => escaped(&mut bytes),
            (_, true) => 1,
            (b' ' | b'\t' | b'\r' | b'\n', false) => 0,
            // A number may have more digits than are kept of it; the sign or the comma before it counts.
            (b'0'..=b'9' | b'.' | b'+' | b'-' | b'e' | b'E', false) => 0,
            (_, false) => 1,
        };
    }
    size
}

/// Bytes of the character that an escape stands for, at least.
fn escaped(rest: &mut impl Iterator<Item = u8>) -> usize {
    if rest.next() != Some(b'u') {
        return 1;
    }
    let mut digit = || {
        rest.next()
            .and_then(|digit| char::from(digit).to_digit(16))
            .unwrap_or_default()
    };
    match [digit(), digit(), digit(), digit()] {
        [0, 0, 0..=7, _] => 1,
        [0, 0..=7, ..] => 2,
        // Half of a character of four bytes.
        [0xd, 8..=0xf, ..] => 2,
        _ => 3,
    }
}

struct Object<'k, const N: usize>([&'k str; N]);

impl<'de, const N: usize> Visitor<'de> for Object<'_, N> {
    type Value = Picked<'de, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut picked = Picked {
            values: [None; N],
            others: Vec::new(),
            more: 0,
        };
        while let Some(key) = map.next_key_seed(KeyPath(&self.0))? {
            match key {
                Ok(place) => {
                    let value: RawJson<'de> = map.next_value()?;
                    if let Some(known) = picked.values.get_mut(place) {
                        *known = Some(value).filter(|value| !is_null(value));
                    }
                }
                Err(other) => {
                    map.next_value::<IgnoredAny>()?;
                    if picked.others.len() < MAX_NAMED {
                        picked.others.push(other);
                    } else {
                        picked.more += 1;
                    }
                }
            }
        }
        Ok(picked)
    }
}

/// The place of a key among those that are asked for, or the beginning of its name.
struct KeyPath<'k>(&'k [&'k str]);

impl<'de> DeserializeSeed<'de> for KeyPath<'_> {
    type Value = Result<usize, String>;

    fn deserialize<D: serde::Deserializer<'de>>(self, read: D) -> Result<Self::Value, D::Error> {
        read.deserialize_str(self)
    }
}

impl Visitor<'_> for KeyPath<'_> {
    type Value = Result<usize, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        let place = self.0.iter().position(|known| *known == key);
        Ok(place.ok_or_else(|| key.chars().take(MAX_NAME).collect()))
    }
}

struct ListRange {
    skip: usize,
    most: usize,
}

impl<'de> Visitor<'de> for ListRange {
    type Value = (Vec<RawJson<'de>>, usize);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let (mut first, mut count) = (Vec::new(), 0usize);
        loop {
            if count < self.skip || first.len() >= self.most {
                if list.next_element::<IgnoredAny>()?.is_none() {
                    break;
                }
            } else {
                match list.next_element()? {
                    Some(element) => first.push(element),
                    None => break,
                }
            }
            count += 1;
        }
        Ok((first, count))
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
