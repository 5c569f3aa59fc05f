//! RTF in a winmail.dat: decompressed ([MS-OXRTFCP]), and the HTML or text that was wrapped into it ([MS-OXRTFEX]). Pure, and of linear
//! cost.

use super::properties::{ByteReader, decoded};

/// What a text may become when it is decompressed, in bytes.
const MOST: usize = 32 << 20;
/// Groups in groups that are followed.
const DEEPEST: usize = 200;
/// `LZFu` and `MELA`: compressed or not.
const COMPRESSED: u32 = 0x7546_5a4c;
const PLAIN: u32 = 0x414c_454d;
/// The dictionary's beginning ([MS-OXRTFCP] 2.1.2.1).
const DICTIONARY: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

/// The RTF; nothing where it can't be read.
pub(super) fn decompressed(stream: &[u8]) -> Option<Vec<u8>> {
    let mut rest = ByteReader(stream);
    let _compressed_size = rest.number(4)?;
    let size = rest.number(4)? as usize;
    let kind = rest.number(4)?;
    let _checksum = rest.number(4)?;
    match kind {
        PLAIN => rest.0.get(..size.min(rest.0.len())).map(<[u8]>::to_vec),
        COMPRESSED if size <= MOST => inflate(rest, size),
        _ => None,
    }
}

fn inflate(mut rest: ByteReader<'_>, size: usize) -> Option<Vec<u8>> {
    let mut window = [b' '; 4096];
    window.get_mut(..DICTIONARY.len())?.copy_from_slice(DICTIONARY);
    let mut at = DICTIONARY.len();
    let mut text = Vec::with_capacity(size.min(1 << 20));
    let put = |byte: u8, window: &mut [u8; 4096], at: &mut usize, text: &mut Vec<u8>| {
        text.push(byte);
        if let Some(place) = window.get_mut(*at) {
            *place = byte;
        }
        *at = (*at + 1) % 4096;
    };
    while let Some(flags) = rest.number(1) {
        for bit in 0..8 {
            if flags & 1 << bit == 0 {
                let Some(byte) = rest.take(1).and_then(|byte| byte.first()) else {
                    return Some(text);
                };
                put(*byte, &mut window, &mut at, &mut text);
                continue;
            }
            // Big-endian, as nothing else in the stream.
            let Some([high, low]) = rest.take(2).and_then(|pair| pair.first_chunk::<2>()) else {
                return Some(text);
            };
            let reference = usize::from(*high) << 8 | usize::from(*low);
            let (offset, length) = (reference >> 4, (reference & 0xf) + 2);
            if offset == at {
                return Some(text);
            }
            for step in 0..length {
                let byte = *window.get((offset + step) % 4096)?;
                put(byte, &mut window, &mut at, &mut text);
            }
            if text.len() > MOST {
                return None;
            }
        }
    }
    Some(text)
}

/// What was wrapped.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unwrapped {
    Html(String),
    Text(String),
}

/// What is said at one level of groups.
#[derive(Debug, Clone, Copy, Default)]
struct Level {
    /// What stands here is for RTF readers only (`\htmlrtf`).
    only_rtf: bool,
    /// What stands here is no text: fonts, colours, pictures.
    skipped: bool,
    /// What stands here is HTML as it was (`\*\htmltag`).
    tag: bool,
    /// Bytes that follow `\u` and stand for the same.
    fallback: usize,
}

/// The HTML or text that an RTF was made of; where it was made of neither, its text.
pub(super) fn unwrapped(rtf: &[u8]) -> Unwrapped {
    let head = rtf.get(..rtf.len().min(1_000)).unwrap_or_default();
    let has = |word: &[u8]| head.windows(word.len()).any(|window| window == word);
    let is_html = has(b"\\fromhtml");
    let mut reader = RtfReader {
        is_html,
        text: String::new(),
        pending: Vec::new(),
        page: None,
        skip: 0,
        level: Level {
            fallback: 1,
            ..Level::default()
        },
        outer: Vec::new(),
    };
    let mut rest = rtf;
    while let Some((&byte, after)) = rest.split_first() {
        rest = reader.step(byte, after);
    }
    reader.flush();
    if is_html {
        Unwrapped::Html(reader.text)
    } else {
        Unwrapped::Text(reader.text)
    }
}

struct RtfReader {
    is_html: bool,
    text: String,
    /// Bytes of the code page that were not decoded yet.
    pending: Vec<u8>,
    page: Option<u32>,
    /// Bytes that stand for a character that was read by `\u`.
    skip: usize,
    level: Level,
    outer: Vec<Level>,
}

impl RtfReader {
    fn step<'r>(&mut self, byte: u8, after: &'r [u8]) -> &'r [u8] {
        match byte {
            b'{' => {
                if self.outer.len() < DEEPEST {
                    self.outer.push(self.level);
                }
                self.skip = 0;
                after
            }
            b'}' => {
                self.level = self.outer.pop().unwrap_or(self.level);
                self.skip = 0;
                after
            }
            b'\\' => self.control(after),
            b'\r' | b'\n' => after,
            byte => {
                self.byte(byte);
                after
            }
        }
    }

    fn shows(&self) -> bool {
        !self.level.only_rtf && !self.level.skipped
    }

    fn byte(&mut self, byte: u8) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if self.shows() {
            self.pending.push(byte);
        }
    }

    fn push(&mut self, text: &str) {
        if self.shows() {
            self.flush();
            self.text.push_str(text);
        }
    }

    fn flush(&mut self) {
        if !self.pending.is_empty() {
            self.text
                .push_str(&decoded(&std::mem::take(&mut self.pending), self.page));
        }
    }

    /// What follows a backslash.
    fn control<'r>(&mut self, after: &'r [u8]) -> &'r [u8] {
        let Some((&first, rest)) = after.split_first() else {
            return after;
        };
        match first {
            b'\'' => {
                let digits = rest.get(..2).and_then(|digits| str::from_utf8(digits).ok());
                if let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                    self.byte(byte);
                }
                rest.get(2..).unwrap_or_default()
            }
            b'*' => {
                // A destination that only those read who know it. We know one.
                if !rest.starts_with(b"\\htmltag") {
                    self.level.skipped = true;
                }
                rest
            }
            b'\\' | b'{' | b'}' => {
                self.byte(first);
                rest
            }
            b'~' => {
                self.push("\u{a0}");
                rest
            }
            b'_' => {
                self.push("\u{2011}");
                rest
            }
            b'\r' | b'\n' => {
                self.line();
                rest
            }
            _ if first.is_ascii_alphabetic() => {
                let letters = after.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
                let (word, rest) = after.split_at_checked(letters).unwrap_or((after, &[]));
                let sign = usize::from(rest.first() == Some(&b'-'));
                let digits = rest
                    .get(sign..)
                    .unwrap_or_default()
                    .iter()
                    .take(10)
                    .take_while(|byte| byte.is_ascii_digit())
                    .count();
                let length = if digits > 0 { sign + digits } else { 0 };
                let (number, rest) = rest.split_at_checked(length).unwrap_or((rest, &[]));
                let number = str::from_utf8(number).ok().and_then(|number| number.parse().ok());
                self.word(word, number);
                rest.strip_prefix(b" ").unwrap_or(rest)
            }
            _ => rest,
        }
    }

    fn line(&mut self) {
        self.push("\r\n");
    }

    fn word(&mut self, word: &[u8], number: Option<i32>) {
        match word {
            b"htmltag" => {
                self.level.tag = true;
                self.level.skipped = false;
            }
            b"htmlrtf" => {
                self.flush();
                self.level.only_rtf = number != Some(0);
            }
            b"ansicpg" => {
                self.page = number
                    .and_then(|number| u32::try_from(number).ok())
                    .filter(|page| *page != 0)
            }
            b"uc" => {
                self.level.fallback = number
                    .and_then(|number| usize::try_from(number).ok())
                    .unwrap_or(1)
                    .min(10)
            }
            b"u" => {
                let unit = number.map(|number| if number < 0 { number + 0x1_0000 } else { number });
                let unit = unit.and_then(|unit| u32::try_from(unit).ok()).and_then(char::from_u32);
                self.push(unit.unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut [0; 4]));
                self.skip = self.level.fallback;
            }
            b"par" | b"line" | b"sect" | b"page" => {
                // In wrapped HTML, line breaks of the HTML stand in tags or are for RTF readers.
                if !self.is_html || !self.level.tag {
                    self.line();
                } else {
                    self.push("\r\n");
                }
            }
            b"tab" => self.push("\t"),
            b"lquote" => self.push("\u{2018}"),
            b"rquote" => self.push("\u{2019}"),
            b"ldblquote" => self.push("\u{201c}"),
            b"rdblquote" => self.push("\u{201d}"),
            b"bullet" => self.push("\u{2022}"),
            b"endash" => self.push("\u{2013}"),
            b"emdash" => self.push("\u{2014}"),
            b"fonttbl" | b"colortbl" | b"stylesheet" | b"info" | b"pict" | b"object" | b"header" | b"footer"
            | b"listtable" | b"listoverridetable" | b"generator" | b"themedata" => self.level.skipped = true,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_microsoft_compresses_as_an_example() {
        // [MS-OXRTFCP] 3.1.1 and 3.2.1.
        let compressed = [
            0x2d, 0, 0, 0, 0x2b, 0, 0, 0, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0, 0x0a, 0, 0x72, 0x63,
            0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0a, 0xf3, 0x20, 0x68, 0x65, 0x6c, 0x09, 0, 0x20, 0x62, 0x77,
            0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f, 0xa0,
        ];
        let rtf = decompressed(&compressed).unwrap();
        assert_eq!(rtf, b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
        assert_eq!(unwrapped(&rtf), Unwrapped::Text("hello world".to_owned()));
        let repeated = [
            0x1a, 0, 0, 0, 0x1c, 0, 0, 0, 0x4c, 0x5a, 0x46, 0x75, 0xe2, 0xd4, 0x4b, 0x51, 0x41, 0, 0x04, 0x20, 0x57,
            0x58, 0x59, 0x5a, 0x0d, 0x6e, 0x7d, 0x01, 0x0e, 0xb0,
        ];
        assert_eq!(decompressed(&repeated).unwrap(), b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}");
    }

    #[test]
    fn html_comes_out_as_it_went_in() {
        let rtf = br"{\rtf1\ansi\ansicpg1251\fromhtml1 \deff0{\fonttbl{\f0\fswiss Arial;}}
{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 \'c7\'e0\'ea\'e0\'e7 {\*\htmltag84 <b>}\htmlrtf {\b\htmlrtf0 7 \u8364?\htmlrtf }\htmlrtf0 {\*\htmltag92 </b>}\htmlrtf\par}\htmlrtf0
{\*\htmltag72 </p>}}";
        assert_eq!(unwrapped(rtf), Unwrapped::Html("<p>Заказ <b>7 €</b></p>".to_owned()));
    }

    #[test]
    fn text_comes_out_of_rtf() {
        let rtf = br"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}{\*\generator x;}\fromtext Gr\'fc\'dfe\par \u8364?5\tab x\{y\}}";
        assert_eq!(unwrapped(rtf), Unwrapped::Text("Grüße\r\n€5\tx{y}".to_owned()));
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            drop(unwrapped(&bytes));
            let header = [&[0, 0, 0, 0, 0, 1, 0, 0][..], &COMPRESSED.to_le_bytes(), &[0; 4], &bytes].concat();
            drop(decompressed(&header));
        }
    }
}
