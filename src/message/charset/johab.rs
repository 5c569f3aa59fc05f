//! Johab (KS X 1001:1992 annex 3, code page 1361): Korean syllables by their letters, in five bits each. Pure.

use encoding_rs::EUC_KR;

/// What stands for each of the 32 values of the five bits: nothing, a place, or none.
const NONE: u8 = 0xff;
const FILL: u8 = 0xfe;

/// The text of these bytes; what is illegal is U+FFFD.
pub(super) fn decode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first.is_ascii() {
            text.push(char::from(first));
            continue;
        }
        let pair = rest.first().and_then(|&second| character(first, second));
        match pair {
            Some(c) => {
                text.push(c);
                rest = rest.get(1..).unwrap_or_default();
            }
            None => text.push(char::REPLACEMENT_CHARACTER),
        }
    }
    text
}

fn character(first: u8, second: u8) -> Option<char> {
    match first {
        0x84..=0xd3 => syllable(u16::from_be_bytes([first, second])),
        0xd9..=0xde | 0xe0..=0xf9 => symbol(first, second),
        _ => None,
    }
}

/// A syllable, or a letter alone.
fn syllable(code: u16) -> Option<char> {
    let bits = |shift: u16| u8::try_from(code >> shift & 31).unwrap_or_default();
    let (first, middle, last) = (initial(bits(10)), vowel(bits(5)), ending(bits(0)));
    let number = match (first, middle, last) {
        (NONE, ..) | (_, NONE, _) | (.., NONE) => return None,
        (FILL, FILL, FILL) => 0x3164,
        (first, FILL, FILL) => u32::from(*INITIALS.get(usize::from(first))?) + 0x3100,
        (FILL, middle, FILL) => 0x314f + u32::from(middle),
        (FILL, FILL, last) => u32::from(*ENDINGS.get(usize::from(last).checked_sub(1)?)?) + 0x3100,
        (FILL, ..) | (_, FILL, _) => return None,
        (first, middle, last) => {
            let last = if last == FILL { 0 } else { last };
            0xac00 + (u32::from(first) * 21 + u32::from(middle)) * 28 + u32::from(last)
        }
    };
    char::from_u32(number)
}

fn initial(bits: u8) -> u8 {
    match bits {
        1 => FILL,
        2..=20 => bits - 2,
        _ => NONE,
    }
}

fn vowel(bits: u8) -> u8 {
    match bits {
        2 => FILL,
        3..=7 => bits - 3,
        10..=15 => bits - 5,
        18..=23 => bits - 7,
        26..=29 => bits - 9,
        _ => NONE,
    }
}

fn ending(bits: u8) -> u8 {
    match bits {
        1 => FILL,
        2..=17 => bits - 1,
        19..=29 => bits - 2,
        _ => NONE,
    }
}

/// The letters alone, behind U+3100.
const INITIALS: [u8; 19] = [
    0x31, 0x32, 0x34, 0x37, 0x38, 0x39, 0x41, 0x42, 0x43, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e,
];
const ENDINGS: [u8; 27] = [
    0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x40, 0x41, 0x42, 0x44, 0x45,
    0x46, 0x47, 0x48, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e,
];

/// Symbols and Chinese characters: they are those of KS X 1001 in other rows.
fn symbol(first: u8, second: u8) -> Option<char> {
    let place = match second {
        0x31..=0x7e => second - 0x31,
        0x91..=0xfe => second - 0x43,
        _ => return None,
    };
    let row = match first {
        0xd9..=0xde => 2 * (first - 0xd9),
        _ => u8::try_from(2 * u16::from(first) - 0x197).ok()?,
    };
    let (row, place) = if place < 94 {
        (row, place)
    } else {
        (row + 1, place - 94)
    };
    let pair = [row.checked_add(0xa1)?, place.checked_add(0xa1)?];
    let text = EUC_KR.decode_without_bom_handling_and_without_replacement(&pair)?;
    let mut characters = text.chars();
    characters.next().filter(|_| characters.next().is_none())
}
